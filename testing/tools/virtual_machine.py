"""A virtual machine for a test: what no process can have to itself, such as the time of day.

    machine = VirtualMachine(tmp_path / "machine", mirror, ["bubblewrap"])
    shutil.copytree(clone, machine.files / "clone")
    said = machine.run("date --set=2000-01-01; cd /clone; tools/bazel --version")

It is Debian 12 with the packages that are asked for, in QEMU, which comes with it. Everything is
emulated, so that it is the same machine where there is no KVM: some ten times slower than the host.
"""

import subprocess
from pathlib import Path

_PACKAGES = "e2fsprogs iproute2 linux-image-cloud-amd64 mount qemu-system-x86"

_MARK = "=== script ==="

_START = f"""\
#!/bin/bash
export HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mkdir -p /dev/pts /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
# The addresses of QEMU's own network, which it joins with the host's.
modprobe virtio_net
interface="$(basename /sys/class/net/en*)"
ip link set lo up
ip link set "$interface" up
ip address add 10.0.2.15/24 dev "$interface"
ip route add default via 10.0.2.2
rm -f /etc/resolv.conf
echo nameserver 10.0.2.3 >/etc/resolv.conf
echo '{_MARK}'
bash /script </dev/null 2>&1 | cat
echo '{_MARK}'
sync
echo o >/proc/sysrq-trigger
sleep 60
"""

# Nehalem, because QEMU 7.2 emulates later instructions wrongly, and Java ends by them.
_QEMU = (
    *("-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "4G"),
    *("-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"),
    *("-drive", "file=/mnt/disk,format=raw,if=virtio,cache=unsafe", "-nic", "user,model=virtio"),
)

_DISK = "8G"
_SECONDS = 2700


class VirtualMachine:
    """One machine.

    Attributes:
        files: What is on its disk when it starts, to be added to. All of it is root's there.
    """

    def __init__(self, folder: Path, mirror: str, packages: list[str]) -> None:
        """Installs it; a minute.

        Args:
            folder: Where to keep it. It must not exist.
            mirror: URL of a Debian mirror.
            packages: What to install beside the kernel and what tests its own workings.

        Raises:
            subprocess.CalledProcessError: The packages cannot be had.
        """
        self.files = folder / "files"
        self._folder = folder
        self.files.mkdir(parents=True)
        # Through a tar, because /dev is not to be made; mounts that end with their maker.
        archive = folder / "files.tar"
        subprocess.run(
            [
                *("unshare", "--mount", "mmdebstrap", "--variant=apt", "--quiet"),
                # A frozen mirror's Release files have expired; their signatures are still checked.
                '--aptopt=Acquire::Check-Valid-Until "false"',
                f"--include={','.join([*_PACKAGES.split(), *packages])}",
                *("bookworm", str(archive), mirror),
            ],
            check=True,
        )
        extract = ["tar", "--extract", "--file", str(archive), "--directory", str(self.files)]
        subprocess.run([*extract, "--exclude=./dev/*", "--no-same-owner"], check=True)
        archive.unlink()

    def run(self, script: str) -> str:
        """Starts it anew, runs a script, and switches it off.

        Args:
            script: For bash, as root, in `/`. Of what it writes, nothing is kept.

        Returns:
            What the script said.

        Raises:
            subprocess.CalledProcessError: It does not start.
            subprocess.TimeoutExpired: It does not end.
            ValueError: It ended before the script did; what it said is in the message.
        """
        (self.files / "script").write_text(script)
        start = self.files / "start"
        start.write_text(_START)
        start.chmod(0o755)
        (self._folder / "disk").unlink(missing_ok=True)
        make = self._inside("mke2fs", "-q", "-t", "ext4", "-d", "/mnt/files", "/mnt/disk", _DISK)
        subprocess.run(make, check=True)
        said = subprocess.run(
            self._inside("qemu-system-x86_64", *_QEMU, *self._kernel()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            timeout=_SECONDS,
            check=True,
        ).stdout
        if said.count(_MARK) != 2:
            raise ValueError(f"the machine ended early:\n{said}")
        return said.split(_MARK)[1]

    def _inside(self, *command: str) -> list[str]:
        """The command line of one of the machine's own programs, on the host."""
        return [
            *("bwrap", "--bind", str(self.files), "/", "--dev", "/dev", "--proc", "/proc"),
            *("--bind", str(self._folder), "/mnt", "--tmpfs", "/tmp"),
            *("--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"),
            *("--setenv", "PATH", "/usr/sbin:/usr/bin"),
            *command,
        ]

    def _kernel(self) -> list[str]:
        """QEMU's options for what Debian put into /boot."""
        (kernel,) = (self.files / "boot").glob("vmlinuz-*")
        (modules,) = (self.files / "boot").glob("initrd.img-*")
        options = "console=ttyS0 quiet panic=-1 root=/dev/vda rw init=/start"
        return [
            *("-kernel", f"/boot/{kernel.name}", "-initrd", f"/boot/{modules.name}"),
            *("-append", options),
        ]
