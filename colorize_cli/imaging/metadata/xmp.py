"""Provenance: the model that made the colors, added to the XMP of the original.

Fields: IPTC Photo Metadata "Digital Source Type" (a controlled vocabulary) and this tool's own namespace, a UUID,
which needs no registered domain. XMP packets: ISO 16684-1.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.dom import minidom
from xml.parsers import expat
from xml.parsers.expat import ExpatError

from colorize_cli.imaging.metadata.iptc import Property, xmp_properties
from colorize_cli.imaging.metadata.xmp_statements import Restated, derive, underive

SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
NS_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NS_IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
NS_OWN = "urn:uuid:3d50b1f5-0fbf-49ca-a22f-fd43ca341eb4#"
NS_0_1 = "https://github.com/colorize-cli/colorize-cli/ns/1.0/"
"""The namespace that version 0.1.0 wrote: read as our own, never written."""
NS_XMP_NOTE = "http://ns.adobe.com/xmp/note/"
LUMA_PARAMETER = "luma"
"""Name of the provenance parameter, with the value "kept", of results that hold the gray JPEG unchanged."""
_NS_XMLNS = "http://www.w3.org/2000/xmlns/"
_OWN_PREFIX, _IPTC_PREFIX = "colorize", "Iptc4xmpExt"
_PACKET_START = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_PACKET_END = '\n<?xpacket end="w"?>'
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LARGEST, _DEEPEST, _MOST_ELEMENTS = 4 << 20, 100, 20_000
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{NS_RDF}"/></x:xmpmeta>'


@dataclass(frozen=True)
class Provenance:
    """The origin of a result's colors: ``model`` (registry name), ``weights_sha256`` (hex), tool ``version``.

    ``parameters``: other settings, as text by name: the working size, and whatever else was chosen. ``defaults``: the
    values in effect of those that were not chosen, the checkpoint's own among them. ``scan_sha256``: hex, of the file
    that the result was made of; "" where that is unknown. Neither of the two says whether results are alike.
    """

    model: str
    weights_sha256: str
    version: str
    parameters: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict, compare=False)
    scan_sha256: str = field(default="", compare=False)


def parse_xmp(packet: bytes) -> minidom.Document | None:
    """Return the XML of an XMP packet, None if it is not well-formed, holds no RDF, or exceeds the limits.

    Document type declarations are rejected in every encoding: XMP has none, and entities can expand without limit.
    Size, depth and number of elements are bounded, because the tree takes far more memory than the packet.
    """
    if not packet.startswith((b"\xff\xfe", b"\xfe\xff")):  # in UTF-16 every other byte is 0
        packet = packet.strip(b"\0 \t\r\n")
    if len(packet) > _LARGEST or not _is_reasonable(packet):
        return None
    try:
        document = minidom.parseString(packet)
    except (ExpatError, ValueError, LookupError):
        return None
    return document if document.getElementsByTagNameNS(NS_RDF, "RDF") else None


class _Unreasonable(ValueError):
    """The packet has a document type, too many elements, or too much nesting."""


def _is_reasonable(packet: bytes) -> bool:
    """Return whether XML is well-formed and within the bounds, without building a tree."""
    depth = elements = 0

    def start(name: str, attributes: list[str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1 + len(attributes) // 2
        if depth > _DEEPEST or elements > _MOST_ELEMENTS:
            raise _Unreasonable

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_: object) -> None:
        raise _Unreasonable

    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(packet, True)
    except (ExpatError, ValueError, LookupError):
        return False
    return True


def build_xmp(
    existing: bytes | None,
    provenance: Provenance,
    *,
    iptc: bytes | None = None,
    stated: Mapping[Property, list[str]] | None = None,
    restated: Restated | None = None,
) -> bytes:
    """Return an XMP packet with all of ``existing`` and the provenance, UTF-8.

    ``iptc``: IPTC-IIM records to repeat in XMP unless ``existing`` has them, for formats that cannot hold IIM.
    ``stated``: further properties to add unless ``existing`` has them.
    ``restated``: corrections of what ``existing`` states about orientation, size and regions.

    Provenance of an earlier run is replaced, other properties are kept; an ``existing`` packet that is not well-formed
    is dropped (``parse_xmp`` tells whether).
    """
    document = parse_xmp(existing) if existing else None
    if document is None:
        document = minidom.parseString(_EMPTY)
    if restated is not None:
        restated.apply(document)
    rdf = document.getElementsByTagNameNS(NS_RDF, "RDF")[0]
    about = _about(rdf)
    _remove_earlier(rdf)
    _remove_extension_link(rdf)
    description = document.createElementNS(NS_RDF, "rdf:Description")
    description.setAttributeNS(_NS_XMLNS, "xmlns:rdf", NS_RDF)
    description.setAttributeNS(NS_RDF, "rdf:about", about)
    description.setAttributeNS(_NS_XMLNS, f"xmlns:{_IPTC_PREFIX}", NS_IPTC_EXT)
    description.setAttributeNS(_NS_XMLNS, f"xmlns:{_OWN_PREFIX}", NS_OWN)
    _add_text(document, description, NS_IPTC_EXT, f"{_IPTC_PREFIX}:DigitalSourceType", SOURCE_TYPE)
    _add_text(document, description, NS_OWN, f"{_OWN_PREFIX}:Model", provenance.model)
    _add_text(document, description, NS_OWN, f"{_OWN_PREFIX}:WeightsSha256", provenance.weights_sha256)
    _add_text(document, description, NS_OWN, f"{_OWN_PREFIX}:Version", provenance.version)
    _add_values(document, description, "Parameters", provenance.parameters)
    _add_values(document, description, "Defaults", provenance.defaults)
    if provenance.scan_sha256:
        _add_text(document, description, NS_OWN, f"{_OWN_PREFIX}:ScanSha256", provenance.scan_sha256)
        derive(document, rdf, description, provenance.scan_sha256, _identity(provenance))
    _add_properties(document, rdf, description, xmp_properties(iptc or b""))
    rdf.appendChild(description)
    _add_properties(document, rdf, description, stated or {})
    root = document.documentElement
    assert root is not None
    return (_PACKET_START + root.toxml() + _PACKET_END).encode("utf-8")


def without_provenance(packet: bytes) -> bytes | None:
    """Return the XMP packet without what :func:`build_xmp` added; None if nothing else was in it."""
    document = parse_xmp(packet)
    if document is None:
        return None
    rdf = document.getElementsByTagNameNS(NS_RDF, "RDF")[0]
    if document.getElementsByTagNameNS(NS_OWN, "ScanSha256"):
        underive(rdf)
    _remove_earlier(rdf)
    root = document.documentElement
    if root is None or not rdf.getElementsByTagNameNS(NS_RDF, "Description"):
        return None
    return (_PACKET_START + root.toxml() + _PACKET_END).encode("utf-8")


def _add_values(document: minidom.Document, parent: minidom.Element, name: str, values: Mapping[str, str]) -> None:
    """Append an element of ours with settings as text by name, where there are any."""
    if not values:
        return
    element = document.createElementNS(NS_OWN, f"{_OWN_PREFIX}:{name}")
    bag = document.createElementNS(NS_RDF, "rdf:Bag")
    for key, value in sorted(values.items()):
        _add_text(document, bag, NS_RDF, "rdf:li", f"{key}={value}")
    element.appendChild(bag)
    parent.appendChild(element)


def _identity(provenance: Provenance) -> str:
    """Return what makes results of one scan differ."""
    return repr((provenance.model, provenance.weights_sha256, sorted(provenance.parameters.items())))


def _add_text(document: minidom.Document, parent: minidom.Element, space: str, name: str, text: str) -> None:
    """Append an element with text."""
    element = document.createElementNS(space, name)
    element.appendChild(document.createTextNode(xml_text(text)))
    parent.appendChild(element)


def xml_text(text: str) -> str:
    """Return text as read back from XML: characters invalid in XML become question marks, lines end in \\n."""
    return _NOT_IN_XML.sub("?", text).replace("\r\n", "\n").replace("\r", "\n")


def _remove_extension_link(rdf: minidom.Element) -> None:
    """Remove the pointer to the extended packet of a JPEG, which results do not carry."""
    for node in rdf.childNodes:
        if isinstance(node, minidom.Element) and node.hasAttributeNS(NS_XMP_NOTE, "HasExtendedXMP"):
            node.removeAttributeNS(NS_XMP_NOTE, "HasExtendedXMP")


def _add_properties(
    document: minidom.Document, rdf: minidom.Element, parent: minidom.Element, properties: Mapping[Property, list[str]]
) -> None:
    """Append properties that the packet does not have yet."""
    for known, values in properties.items():
        prefix, _, local = known.name.partition(":")
        stated = rdf.getElementsByTagNameNS(known.space, local) or any(
            isinstance(node, minidom.Element) and node.hasAttributeNS(known.space, local) for node in rdf.childNodes
        )
        if stated:
            continue
        parent.setAttributeNS(_NS_XMLNS, f"xmlns:{prefix}", known.space)
        if not known.container:
            _add_text(document, parent, known.space, known.name, values[0])
            continue
        element = document.createElementNS(known.space, known.name)
        container = document.createElementNS(NS_RDF, f"rdf:{known.container}")
        for value in values if known.container != "Alt" else values[:1]:
            _add_text(document, container, NS_RDF, "rdf:li", value)
            if known.container == "Alt":
                item = container.lastChild
                assert isinstance(item, minidom.Element)
                item.setAttribute("xml:lang", "x-default")
        element.appendChild(container)
        parent.appendChild(element)


def _about(rdf: minidom.Element) -> str:
    """Return the resource name shared by the existing descriptions; all in one packet must be equal."""
    for description in rdf.getElementsByTagNameNS(NS_RDF, "Description"):
        if description.hasAttributeNS(NS_RDF, "about"):
            return description.getAttributeNS(NS_RDF, "about")
    return ""


def _is_ours(space: str | None, name: str | None) -> bool:
    return space in (NS_OWN, NS_0_1) or (space == NS_IPTC_EXT and name == "DigitalSourceType")


def _remove_earlier(rdf: minidom.Element) -> None:
    """Remove properties of an earlier run, or of the scanner, that the provenance now states."""
    for description in list(rdf.childNodes):
        if not isinstance(description, minidom.Element):
            continue
        attributes = description.attributes
        for attribute in [attributes.item(i) for i in range(attributes.length)]:
            if isinstance(attribute, minidom.Attr) and _is_ours(attribute.namespaceURI, attribute.localName):
                description.removeAttributeNode(attribute)
        for child in list(description.childNodes):
            if isinstance(child, minidom.Element) and _is_ours(child.namespaceURI, child.localName):
                description.removeChild(child)
        only_space = all(isinstance(node, minidom.Text) and not node.data.strip() for node in description.childNodes)
        names = [attributes.item(i) for i in range(attributes.length)]
        if only_space and all(a is not None and (a.namespaceURI in (_NS_XMLNS, NS_RDF)) for a in names):
            rdf.removeChild(description)


def provenance_of_xmp(packet: bytes) -> Provenance | None:
    """Return the provenance in an XMP packet, None if there is none."""
    spaces = [space for space in (NS_OWN, NS_0_1) if space.encode() in packet]
    document = parse_xmp(packet) if spaces else None
    if document is None:
        return None
    return next((found for space in spaces if (found := _stated(document, space)) is not None), None)


def _stated(document: minidom.Document, space: str) -> Provenance | None:
    """Return the provenance in one namespace, None if it names no model."""

    def text(name: str) -> str:
        found = document.getElementsByTagNameNS(space, name)
        return _text_of(found[0]) if found else ""

    def values(name: str) -> dict[str, str]:
        found = document.getElementsByTagNameNS(space, name)
        items = [item for element in found for item in element.getElementsByTagNameNS(NS_RDF, "li")]
        pairs = (_text_of(item).partition("=") for item in items)
        return {name: value for name, _, value in pairs}

    if not text("Model"):
        return None
    return Provenance(
        text("Model"),
        text("WeightsSha256"),
        text("Version"),
        values("Parameters"),
        values("Defaults"),
        text("ScanSha256"),
    )


def _text_of(element: minidom.Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text))


def sidecar_path(target: Path) -> Path:
    """Return the path of the XMP sidecar for a format without XMP: the full name plus ".xmp"."""
    return target.with_name(target.name + ".xmp")


def read_sidecar(path: Path) -> bytes:
    """Return the packet in a sidecar, truncated beyond the limit of :func:`parse_xmp`. Raises OSError."""
    with path.open("rb") as file:
        return file.read(_LARGEST + 1)
