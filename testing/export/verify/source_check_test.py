"""Code that calls what the exporter's files call passes; each way around that is refused."""

import zipfile
from pathlib import Path

import pytest

from export.verify.source_check import SourceError, check_source
from testing.export.verify.small_artifact import write_small_artifact

GOOD = """\
class Wrapper(Module):
  __parameters__ = []
  strength : float
  network : __torch__.network.Network
  maximum : Final[float] = 128.
  def forward(self: __torch__.wrapper.Wrapper,
    x: Tensor) -> Tensor:
    _1 = __torch__.wrapper.resize
    network = self.network
    _2 = (network).coarse_logits(torch.cat([x, x], 1), )
    if torch.gt(self.strength, 0.):
      y = torch.clamp(_2, 0., ops.prim.min(self.strength, 1.))
    else:
      y = __torch__.wrapper.other(_2, -1, )
    _0 = getattr(network, "0")
    return _1((_0).forward(y, ), )
"""


def check(code: str, tmp_path: Path) -> None:
    path = tmp_path / "code.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("CorridorKey/code/__torch__/wrapper.py", code)
    check_source(path)


def test_the_exporters_code_passes(tmp_path: Path) -> None:
    path = tmp_path / "CorridorKey.pt"
    write_small_artifact(path)
    check_source(path)
    check(GOOD, tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('torch.save(x, "/tmp/x")', r"wrapper.py calls torch.save, which no code"),
        ('ops.aten.save(x, "/tmp/x")', "calls ops.aten.save"),
        ('x.save("/tmp/x")', "calls x.save"),
        ('torch.neg(x).save("/tmp/x")', "calls what is no name"),
        ('torch.relu(x).save("/tmp/x")', "calls what is no name"),
        ('(self.network).save("/tmp/x")', "calls self.network.save"),
        ('y = torch.from_file("/etc/passwd", True, 9)', "calls torch.from_file"),
        ("y = torch.sin(x)", "calls torch.sin"),
        ("y = ops.prim.rpc_async(x)", "calls ops.prim.rpc_async"),
        ("save = torch.save", "names torch.save"),
        ('_3 = getattr(torch, "save")\n    _3(x, "/tmp/x")', "calls _3"),
        ('getattr(x, "save")("/tmp/x")', "calls what is no name"),
        ('print("hello")', "calls print"),
        ("print = __torch__.wrapper.resize\n    print(x)", "calls print"),
        ("_1 = x\n    _1(x)", "calls _1"),
        ("torch = x", "gives torch another meaning"),
        ("__torch__ = x", "gives __torch__ another meaning"),
        ("y = x @ x", "has a BinOp"),
        ("y = x[0] if x else x", "has a IfExp"),
        ("while True:\n      pass", "has a While"),
        ("for y in x:\n      pass", "has a For over something else"),
        ("for y in range(torch.sin(x)):\n      pass", "calls torch.sin"),
        ("import os", "has a Import"),
        ("y = torch.cat(dim=1)", "has a keyword, dim=1"),
        ("y = torch.new_zeros(x, [1], device='cuda')", "has a keyword, device='cuda'"),
        ("y = lambda: x", "has a Lambda"),
        ("y = (", "does not parse"),
        ("y = " + "(" * 300, "does not parse"),
        ("y = " + "-" * 100_000 + "1", "does not parse"),
        ("y = '\0'", "does not parse"),
    ],
)
def test_what_the_exporter_does_not_write_is_refused(
    line: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=message):
        check(GOOD.replace("    network = self.network\n", f"    {line}\n", 1), tmp_path)
