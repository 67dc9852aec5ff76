"""Correct XMP statements of an original about orientation, size and regions for the result.

Properties: XMP specification part 2 (tiff and exif namespaces), MWG guidelines 2.0 (regions), Microsoft Photo 1.2.
"""

from dataclasses import dataclass
from xml.dom import minidom

NS_TIFF = "http://ns.adobe.com/tiff/1.0/"
NS_EXIF = "http://ns.adobe.com/exif/1.0/"
NS_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
NS_MICROSOFT = "http://ns.microsoft.com/photo/1.2/"
REGIONS_DROPPED = "the regions (faces) in its XMP were left out, because the picture was turned"
_SRGB = "1"


@dataclass(frozen=True)
class Restated:
    """Facts about the result: ``orientation`` (None keeps the existing value), its size, and whether it was turned."""

    orientation: int | None
    width: int | None = None
    height: int | None = None
    is_turned: bool = False

    def apply(self, document: minidom.Document) -> None:
        """Correct existing statements of the packet on these points; regions are dropped if the picture was turned."""
        sizes = {(NS_TIFF, "ImageWidth"): self.width, (NS_TIFF, "ImageLength"): self.height}
        sizes |= {(NS_EXIF, "PixelXDimension"): self.width, (NS_EXIF, "PixelYDimension"): self.height}
        _replace(document, NS_TIFF, "Orientation", self.orientation)
        for (space, name), value in sizes.items():
            _replace(document, space, name, value)
        if self.width is not None:
            _replace(document, NS_EXIF, "ColorSpace", _SRGB)
        if self.is_turned:
            _drop(document, NS_REGIONS, "Regions")
            _drop(document, NS_MICROSOFT, "RegionInfo")


def has_regions(packet: bytes) -> bool:
    """Return whether an XMP packet seems to mark regions of the picture."""
    return NS_REGIONS.encode() in packet or b"RegionInfo" in packet


def _replace(document: minidom.Document, space: str, name: str, value: object) -> None:
    if value is None:
        return
    for element in document.getElementsByTagNameNS(space, name):
        while element.firstChild is not None:
            element.removeChild(element.firstChild)
        element.appendChild(document.createTextNode(str(value)))
    for element in document.getElementsByTagName("*"):
        attribute = element.getAttributeNodeNS(space, name)
        if attribute is not None:
            element.setAttributeNS(space, attribute.name, str(value))


def _drop(document: minidom.Document, space: str, name: str) -> None:
    for element in list(document.getElementsByTagNameNS(space, name)):
        if element.parentNode is not None:
            element.parentNode.removeChild(element)
