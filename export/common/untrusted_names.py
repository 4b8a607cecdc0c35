"""A command line on which the name of a file may stand for an option."""

import os

import click


class UntrustedNames(click.Command):
    """A command for files that somebody else named.

    With a file named --help, a pipeline would take the exit status of the help, 0, for that of
    success. One named --key=other.pem would replace a key, or bring one. Such a command line is
    refused.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the command line.

        Raises:
            click.UsageError: A word is an option and the name of a file, or options stand there
                that nobody writes together.
        """
        for word in args:
            # The first part, because what is in a folder may not be visible.
            if word.startswith("-") and os.path.lexists(word.split("/")[0]):
                raise click.UsageError(
                    f"{word} is also the name of a file. Put ./ in front of the names of files"
                )
        for option in _with_a_value(self):
            if sum(word == option or word.startswith(f"{option}=") for word in args) > 1:
                raise click.UsageError(
                    f"{option} is there twice. If one is the name of a file, put ./ in front"
                )
        if "--help" in args and len(args) > 1:
            raise click.UsageError(
                "--help stands beside other arguments. If it is the name of a file, put ./ in front"
            )
        return super().parse_args(ctx, args)


def _with_a_value(command: click.Command) -> list[str]:
    return [
        option
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.is_flag
        for option in parameter.opts
    ]
