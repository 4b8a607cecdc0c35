"""The reader refuses broken scripts and reads back what `nk_file` writes."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export.nuke.scripts.nk_file import KnobClass, Literal, Node, UserKnob, script, word
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import ScriptError

pytestmark = pytest.mark.skipif(
    script_reader.tclsh() is None,
    reason="no tclsh on this machine (apt-get install tcl); the Debian root has one",
)

# Tcl 8.6 has 16-bit characters, and knobs hold no control characters.
TEXTS = st.text(
    st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=("C", "Z"))
    | st.sampled_from(' \n\\"{}[]$;#')
)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("Read {\n inputs 0 # a comment\n}\n", "a knob takes one value"),
        ("Dot {\n}\n", "the stack is empty"),
        ("Read {\n inputs 0\n file $home\n}\n", "no such variable"),
        ("Read {\n inputs 0\n", "missing close-brace"),
        ("exec ls\n", "not a node and not a command"),
        ("open {| ls}\n", "not a node and not a command"),
        ("end_group\n", "end_group with no group open"),
        ("Group {\n inputs 0\n}\n", "a group is open"),
        ("Read {\n inputs 0\n addUserKnob {7 x Q 1}\n}\n", "unknown option of addUserKnob"),
        ("Read {\n inputs 0\n}\nRead {\n inputs 0\n}\n", "two nodes have the same name"),
        ("Read {\n inputs 0\n file a\n file b\n}\n", "sets a knob twice"),
    ],
)
def test_a_broken_script_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "broken.nk"
    path.write_text(text)
    with pytest.raises(ScriptError, match=problem):
        script_reader.read(path)


def test_an_unescaped_bracket_becomes_an_undocumented_knob(tmp_path: Path) -> None:
    path = tmp_path / "bracket.nk"
    path.write_text("Read {\n inputs 0\n file [exec ls]\n}\n")
    assert "exec" in script_reader.read(path).nodes["Read"].knobs


def test_input_0_is_the_top_of_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "copy.nk"
    path.write_text(
        "Read {\n inputs 0\n name a\n}\nset N0 [stack 0]\n"
        "Read {\n inputs 0\n name b\n}\nCopy {\n inputs 2\n name c\n}\n"
        "push $N0\nCopy {\n inputs 2\n name d\n}\n"
    )
    read = script_reader.read(path)
    assert read.nodes["c"].inputs == ("b", "a")
    assert read.nodes["d"].inputs == ("a", "c")
    assert read.left == ("d",)


# Each example starts a Tcl process, which takes a few milliseconds.
@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(value=TEXTS, tooltip=TEXTS.filter(bool), entry=TEXTS)
def test_any_text_survives(tmp_path: Path, value: str, tooltip: str, entry: str) -> None:
    knob = UserKnob(
        KnobClass.ENUMERATION, "choice", tooltip=tooltip, entries=("first", entry), value=entry
    )
    path = tmp_path / "text.nk"
    path.write_text(
        script([Node("Write", "end", knobs={"file": value}, user_knobs=(knob,))], "14.0 v1", {})
    )
    node = script_reader.read(path).nodes["end"]
    assert node.knobs["file"] == value
    assert node.knobs["choice"] == entry
    assert node.user_knobs[0]["t"] == tooltip
    assert node.user_knobs[0]["M"] == ["first", entry]


def test_literals_are_left_alone() -> None:
    assert word(Literal("{{0} B A}")) == "{{0} B A}"
    assert word("{{0} B A}") == '"\\{\\{0\\} B A\\}"'


def test_a_shared_node_is_written_once(tmp_path: Path) -> None:
    nodes = [
        Node("Read", "a"),
        Node("Premult", "b", ("a",)),
        Node("Copy", "c", ("b", "a")),
        Node("Write", "d", ("c",)),
        Node("Viewer", "e", ("a",)),
    ]
    path = tmp_path / "shared.nk"
    path.write_text(script(nodes, "14.0 v1", {}))
    read = script_reader.read(path)
    assert {name: node.inputs for name, node in read.nodes.items()} == {
        node.name: node.inputs for node in nodes
    }
    assert read.left == ("d", "e")


@pytest.mark.parametrize(
    "nodes, problem",
    [
        ([Node("Read", "a")], "feeds nothing: a"),
        ([Node("Write", "a", ("b",))], "no such node: b"),
        ([Node("Read", "a"), Node("Write", "a", ("a",))], "two nodes have the same name"),
    ],
)
def test_a_loose_end_is_an_error(nodes: list[Node], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        script(nodes, "14.0 v1", {})
