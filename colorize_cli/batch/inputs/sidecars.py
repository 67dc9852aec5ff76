"""XMP sidecars of originals, copied beside the results: ``photo.xmp`` (Lightroom, Bridge) or ``photo.jpg.xmp``
(darktable, digiKam). Each result gets them under the name that the same program looks for.
"""

from collections.abc import Iterator
from pathlib import Path

from colorize_cli.files import atomic_file
from colorize_cli.imaging.metadata.exif import orientation_of_xmp, remaining
from colorize_cli.imaging.metadata.xmp import Provenance, build_xmp, parse_xmp, provenance_of_xmp, read_sidecar
from colorize_cli.imaging.metadata.xmp_statements import REGIONS_DROPPED, Restated, has_regions


def sidecars(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each sidecar that ``source`` has, with its place beside ``target``."""
    for suffix in (".xmp", ".XMP"):
        for sidecar, place in (
            (source.with_suffix(suffix), target.with_suffix(suffix)),
            (source.with_name(source.name + suffix), target.with_name(target.name + suffix)),
        ):
            if sidecar.is_file():
                yield sidecar, place


def copy_sidecars(source: Path, target: Path, provenance: Provenance, *, overwrite: bool, turned: int = 1) -> list[str]:
    """Copy the sidecars of ``source`` beside ``target`` with the provenance of the result added; return notes.

    ``turned``: EXIF orientation by which the pixels of the result were turned; what is left of an orientation that the
    sidecar states is stated in the copy.

    A file there that is not one of ours is left alone unless ``overwrite``, and that is noted, as is a sidecar that
    cannot be read. Raises :class:`OutputError` where the disk does not take it.
    """
    notes = []
    for sidecar, place in sidecars(source, target):
        try:
            packet = read_sidecar(sidecar)
            ours = place.exists() and provenance_of_xmp(read_sidecar(place)) is not None
        except OSError as error:
            notes.append(f"its sidecar was not copied: {error.strerror}")
            continue
        if parse_xmp(packet) is None:
            notes.append("its sidecar is damaged and was not copied")
        elif place.exists() and not (ours or overwrite):
            notes.append(f"'{place}' exists: its sidecar was not copied")
        else:
            stated = orientation_of_xmp(packet)
            restated = Restated(remaining(stated, turned) if stated else None, is_turned=turned != 1)
            if restated.is_turned and has_regions(packet):
                notes.append(REGIONS_DROPPED)
            with atomic_file(place, overwrite=place.exists()) as file:
                file.write(build_xmp(packet, provenance, restated=restated))
    return notes
