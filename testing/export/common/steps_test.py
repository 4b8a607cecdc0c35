import pytest

from export.common.steps import Steps


def test_a_step_is_shown_and_kept_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    with steps("Fill memory"):
        filled = b"\1" * 500_000_000
    (step,) = steps.done
    assert step.name == "Fill memory"
    assert 0 < step.seconds < 60
    assert step.peak_bytes > len(filled)
    assert capsys.readouterr().out == (
        f"Fill memory: {step.seconds:.1f} s, peak memory {step.peak_bytes / 1e9:.2f} GB\n"
    )


def test_a_failed_step_is_not_listed(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    with pytest.raises(ZeroDivisionError), steps("Divide"):
        raise ZeroDivisionError
    assert not steps.done
    assert not capsys.readouterr().out
