"""Write docs/api.md from the protos and the comments in them.

Usage: python scripts/api_reference.py [--check]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs/api.md"
PACKAGE = ".stager.v1."
HEAD = """# Every call and message
<!-- Made by scripts/api_reference.py from protos/; change those. -->

The contract of the API, `stager.v1`. How to call it: [the streamers' guide](streamer-guide.md). What a call may answer
beside what is said here: UNAUTHENTICATED without a good login, INVALID_ARGUMENT with every fault of the request as
`google.rpc.BadRequest`, UNAVAILABLE when the queue can't be reached, and INTERNAL with a number to look for in the log.
Each refusal has a name for programs, which stays when its sentence changes: the `reason` of a `google.rpc.ErrorInfo`
(domain `stager`), and of each violation.
"""

Where = tuple[int, ...]


def descriptors() -> FileDescriptorSet:
    """All protos as protoc understands them, with their comments."""
    bundled = str(files("grpc_tools") / "_proto")
    sources = sorted(str(path.relative_to(ROOT / "protos")) for path in (ROOT / "protos").rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.binpb"
        words = [f"--proto_path={ROOT / 'protos'}", f"--proto_path={bundled}", "--include_source_info"]
        if protoc.main(["protoc", *words, f"--descriptor_set_out={target}", *sources]):
            sys.exit("api_reference: protoc doesn't understand the protos")
        return FileDescriptorSet.FromString(target.read_bytes())


class Proto:
    """One file of the contract."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self._comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}

    def said(self, where: Where) -> str:
        """The comment at a place, as one paragraph."""
        return " ".join(self._comments.get(where, "").split())

    def services(self) -> Iterator[str]:
        """Each service and its calls."""
        for number, service in enumerate(self.file.service):
            yield f"\n## {service.name}\n\n{self.said((6, number))}\n"
            for index, method in enumerate(service.method):
                stream = "stream of " if method.server_streaming else ""
                request, answer = linked(method.input_type), linked(method.output_type)
                yield f"\n### {service.name}.{method.name}\n\n{request} → {stream}{answer}\n"
                yield f"\n{self.said((6, number, 2, index))}\n"

    def messages(self) -> Iterator[tuple[str, str]]:
        """Each message and enumeration, by its name."""
        for number, message in enumerate(self.file.message_type):
            yield from self._message(message, (4, number), "")
        for number, enum in enumerate(self.file.enum_type):
            yield enum.name, self._enum(enum, (5, number), enum.name)

    def _message(self, message: DescriptorProto, where: Where, outer: str) -> Iterator[tuple[str, str]]:
        name = f"{outer}{message.name}"
        text = f"\n### {name}\n\n{self.said(where)}\n"
        if message.field:
            text += "\n| field | JSON | type | meaning |\n|---|---|---|---|\n"
        for index, field in enumerate(message.field):
            meaning = self.said((*where, 2, index)).replace("|", "\\|")
            text += f"| `{field.name}` | `{field.json_name}` | {kind(field)} | {meaning} |\n"
        yield name, text
        for index, enum in enumerate(message.enum_type):
            yield f"{name}.{enum.name}", self._enum(enum, (*where, 4, index), f"{name}.{enum.name}")

    def _enum(self, enum: EnumDescriptorProto, where: Where, name: str) -> str:
        text = f"\n### {name}\n\n{self.said(where)}\n\n| value | number | meaning |\n|---|---|---|\n"
        for index, value in enumerate(enum.value):
            text += f"| `{value.name}` | {value.number} | {self.said((*where, 2, index))} |\n"
        return text


def linked(full_name: str) -> str:
    """A type's name, as a link if it is the contract's own."""
    name = full_name.removeprefix(PACKAGE)
    if name == full_name:
        return f"`{full_name.removeprefix('.')}`"
    return f"[{name}](#{name.lower().replace('.', '')})"


def kind(field: FieldDescriptorProto) -> str:
    """A field's type, as a person reads it."""
    number = FieldDescriptorProto
    named = field.type in {number.TYPE_MESSAGE, number.TYPE_ENUM}
    text = linked(field.type_name) if named else number.Type.Name(field.type).removeprefix("TYPE_").lower()
    if field.label == number.LABEL_REPEATED:
        return f"list of {text}"
    return f"{text}, may be absent" if field.proto3_optional else text


def page(protos: Sequence[Proto]) -> str:
    """The whole text."""
    text = HEAD + "".join(part for proto in protos for part in proto.services())
    messages = sorted(named for proto in protos for named in proto.messages())
    return text + "\n## Messages\n" + "".join(part for _, part in messages)


def main() -> int:
    """Write it, or compare."""
    text = page([Proto(file) for file in descriptors().file])
    if "--check" in sys.argv[1:]:
        if TARGET.exists() and TARGET.read_text() == text:
            return 0
        print(f"{TARGET.relative_to(ROOT)} is not what the protos say: run scripts/api_reference.py")
        return 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
