"""Tokens: the words that the catalogue knows for kinds of things, and their ids, as a new zone has them."""

from collections.abc import Iterator
from typing import Final

from stager_sandbox.zone.catalogue.schema import ACCESS

_DATA_TYPES: Final = (
    "generic|text|ascii text|ascii compressed Lempel-Ziv|ascii compressed Huffman|ebcdic text|"
    "ebcdic compressed Lempel-Ziv|ebcdic compressed Huffman|image|tiff image|uuencoded tiff|gif image|"
    "jpeg image|pbm image|fig image|FITS image|DICOM image|print-format|LaTeX format|Troff format|"
    "Postscript format|DVI format|MSWord Document|program code|SQL script|C code|C include file|fortran code|"
    "object code|library code|data file|html|SGML File|Wave Audio|tar file|compressed tar file|java code|"
    "perl script|tcl script|link code|shadow object|database shadow object|directory shadow object|database|"
    "streams|audio streams|realAudio|video streams|realVideo|MPEG|AVI|PNG-Portable Network Graphics|"
    "MP3 - MPEG Audio|WMV-Windows Media Video|BMP -Bit Map|CSS-Cascading Style Sheet|xml|Slide|"
    "Power Point Slide|Spread Sheet|Excel Spread Sheet|Document||PDF Document|Executable|NT Executable|"
    "Solaris Executable|AIX Executable|Mac Executable|Mac OSX Executable|Cray Executable|SGI Executable|DLL|"
    "NT DLL|Solaris DLL|AIX DLL|Mac DLL|Cray DLL|SGI DLL|Movie|MPEG Movie|MPEG 3 Movie|Quicktime Movie|"
    "compressed file|compressed mmCIF file|compressed PDB file|binary file|URL|NSF Award Abstracts|email|"
    "orb data|datascope data|DICOM header|XML Schema|tar bundle|database object|mso|gzipTar|bzip2Tar|"
    "gzipFile|bzip2File|zipFile|gzipTar bundle|bzip2Tar bundle|zipFile bundle|msso file"
)
_FIRST_DATA_TYPE: Final = 1600
DATA_TYPES: Final = frozenset({*_DATA_TYPES.split("|"), "Word format"} - {""})
"""What a data object may be said to hold."""

_OTHERS: Final = {
    "action_type": {1800: "generic"},
    "auth_scheme_type": {1500: "SPASSWORD", 1501: "GSI"},
    "coll_map": dict(enumerate(("generic", "direct", "hard link", "soft link"), 1400)),
    "object_type": dict(
        enumerate(("data", "resource", "user", "rule", "metadata", "zone", "collection", "token"), 300)
    ),
    "resc_type": dict(
        enumerate(
            (
                "unixfilesystem",
                "hpss file system",
                "windows file system",
                "s3",
                "MSS universal driver",
                "database",
                "mso",
            ),
            400,
        )
    ),
    "rulexec_type": dict(enumerate(("immediate", "delayed", "queued", "before", "after", "concurrent"), 600)),
    "token_namespace": dict(
        enumerate(
            (
                "zone_type",
                "user_type",
                "data_type",
                "resc_type",
                "action_type",
                "rulexec_type",
                "access_type",
                "object_type",
                "resc_class",
                "coll_map",
                "auth_scheme_type",
            )
        )
    ),
    "user_type": {200: "rodsgroup", 201: "rodsadmin", 202: "rodsuser", 204: "groupadmin"},
    "zone_type": {100: "local", 101: "remote"},
}
_REMARKS: Final = {
    100: "native zone of this iCAT",
    101: "foreign zone",
    200: "rods group users",
    201: "rods administrators",
    202: "normal rods user",
    204: "user group administrators",
}
_OLD_LEVELS: Final = {
    "read_annotation",
    "read_system_metadata",
    "write_annotation",
    "administer_object",
    "create_token",
    "delete_token",
}


def all_of_them() -> Iterator[tuple[str, int, str, str]]:
    """Namespace, id, name and remark of every token."""
    for name, level in ACCESS.items():
        yield "access_type", level, _as_recorded(name), ""
    for number, name in enumerate(_DATA_TYPES.split("|"), _FIRST_DATA_TYPE):
        if name:
            yield "data_type", number, name, ""
    yield "data_type", 1622, "Word format", ""
    for namespace, tokens in _OTHERS.items():
        for number, name in tokens.items():
            yield namespace, number, name, _REMARKS.get(number, "")


def _as_recorded(level: str) -> str:
    """A level's token: those that nobody can be granted are still in words with spaces."""
    return level.replace("_", " ") if level in _OLD_LEVELS else level
