"""The statements of an original's XMP, corrected for the result: orientation, size, regions, and its derivation.

Properties: XMP specification part 2 (tiff and exif namespaces), MWG guidelines 2.0 (regions), Microsoft Photo 1.2, and
XMP Media Management (ISO 16684-1, section 8.3 and 8.6.2). A result is a document of its own. Its identifiers follow
from the scan and from how it was made, so that the same run gives the same bytes again.
"""

import uuid
from dataclasses import dataclass
from xml.dom import minidom

NS_TIFF = "http://ns.adobe.com/tiff/1.0/"
NS_EXIF = "http://ns.adobe.com/exif/1.0/"
NS_REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
NS_MICROSOFT = "http://ns.microsoft.com/photo/1.2/"
NS_MM = "http://ns.adobe.com/xap/1.0/mm/"
NS_REF = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
_NS_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NS_XMLNS = "http://www.w3.org/2000/xmlns/"
_SCAN = "urn:sha256:"
_DOCUMENT, _INSTANCE, _ORIGINAL, _DERIVED = "DocumentID", "InstanceID", "OriginalDocumentID", "DerivedFrom"
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


def derive(
    document: minidom.Document, rdf: minidom.Element, description: minidom.Element, scan_sha256: str, made: str
) -> None:
    """State in ``description`` that the result is derived from the document that the packet was about.

    A scan without identifiers of its own is named by its sha256 (hex). ``made``: how the result was made, as any text.
    """
    was = {name: _taken(rdf, name) for name in (_DOCUMENT, _INSTANCE, _ORIGINAL)}
    _taken(rdf, _DERIVED)
    known = was[_DOCUMENT] or _SCAN + scan_sha256
    description.setAttributeNS(_NS_XMLNS, "xmlns:xmpMM", NS_MM)
    description.setAttributeNS(_NS_XMLNS, "xmlns:stRef", NS_REF)
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{_SCAN}{scan_sha256} {made}").hex
    _add(document, description, NS_MM, f"xmpMM:{_DOCUMENT}", f"xmp.did:{own}")
    _add(document, description, NS_MM, f"xmpMM:{_INSTANCE}", f"xmp.iid:{own}")
    if was[_DOCUMENT] or was[_ORIGINAL]:
        _add(document, description, NS_MM, f"xmpMM:{_ORIGINAL}", was[_ORIGINAL] or was[_DOCUMENT])
    source = document.createElementNS(NS_MM, f"xmpMM:{_DERIVED}")
    source.setAttributeNS(_NS_RDF, "rdf:parseType", "Resource")
    _add(document, source, NS_REF, "stRef:documentID", known)
    if was[_INSTANCE]:
        _add(document, source, NS_REF, "stRef:instanceID", was[_INSTANCE])
    description.appendChild(source)


def underive(rdf: minidom.Element) -> None:
    """Undo :func:`derive`: give the packet the identifiers of the scan again; what that was derived from is lost."""
    document = rdf.ownerDocument
    references = {
        name: _text(found[0]) if (found := rdf.getElementsByTagNameNS(NS_REF, name)) else ""
        for name in ("documentID", "instanceID")
    }
    place = next((node for node, _ in _places(rdf, _DERIVED)), None)
    for name in (_DOCUMENT, _INSTANCE, _DERIVED):
        _taken(rdf, name)
    if document is None or place is None:
        return
    if references["documentID"].startswith(_SCAN):
        references["documentID"] = ""
    if references["documentID"] and references["documentID"] == _peek(rdf, _ORIGINAL):
        _taken(rdf, _ORIGINAL)
    for name, value in zip((_DOCUMENT, _INSTANCE), references.values(), strict=True):
        if value:
            _add(document, place, NS_MM, f"xmpMM:{name}", value)


def _places(rdf: minidom.Element, name: str) -> list[tuple[minidom.Element, minidom.Attr | minidom.Element]]:
    """Return each description at the top level that states a property, with the attribute or element that does."""
    found: list[tuple[minidom.Element, minidom.Attr | minidom.Element]] = []
    for description in rdf.childNodes:
        if not isinstance(description, minidom.Element):
            continue
        attribute = description.getAttributeNodeNS(NS_MM, name)
        if isinstance(attribute, minidom.Attr):
            found.append((description, attribute))
        for child in description.childNodes:
            if isinstance(child, minidom.Element) and (child.namespaceURI, child.localName) == (NS_MM, name):
                found.append((description, child))
    return found


def _peek(rdf: minidom.Element, name: str) -> str:
    return next((node.value if isinstance(node, minidom.Attr) else _text(node) for _, node in _places(rdf, name)), "")


def _taken(rdf: minidom.Element, name: str) -> str:
    """Remove a property at the top level, and return its first value, "" for none."""
    value = _peek(rdf, name)
    for description, node in _places(rdf, name):
        if isinstance(node, minidom.Attr):
            description.removeAttributeNode(node)
        else:
            description.removeChild(node)
    return value


def _add(document: minidom.Document, parent: minidom.Element, space: str, name: str, text: str) -> None:
    element = document.createElementNS(space, name)
    element.appendChild(document.createTextNode(text))
    parent.appendChild(element)


def _text(element: minidom.Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text)).strip()
