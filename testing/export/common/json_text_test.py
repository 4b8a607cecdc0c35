import json

from export.common.json_text import to_json


def test_json_keeps_the_order_and_ends_in_a_newline() -> None:
    content = {"b": [1, 2.5], "a": {"c": None}}
    text = to_json(content)
    assert text.endswith("}\n")
    assert list(json.loads(text)) == ["b", "a"]
    assert json.loads(text) == content
