"""A result says which document it is derived from, and has identifiers of its own."""

from dataclasses import replace
from xml.dom import minidom

import pytest

from colorize_cli.imaging.metadata.xmp import build_xmp, parse_xmp, provenance_of_xmp, without_provenance
from colorize_cli.imaging.metadata.xmp_statements import NS_MM, NS_REF
from tests.imaging.samples import PROVENANCE

MADE = replace(PROVENANCE, scan_sha256="cd" * 32, defaults={"vividness": "0.6"})
SCAN = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>{elements}<dc:source>box 7</dc:source></rdf:Description>
</rdf:RDF></x:xmpmeta>"""
AS_ATTRIBUTES = SCAN.format(
    attributes='xmpMM:DocumentID="xmp.did:11" xmpMM:InstanceID="xmp.iid:22" xmpMM:OriginalDocumentID="xmp.did:00"',
    elements="",
).encode()
AS_ELEMENTS = SCAN.format(
    attributes="",
    elements="<xmpMM:DocumentID>xmp.did:11</xmpMM:DocumentID><xmpMM:InstanceID>xmp.iid:22</xmpMM:InstanceID>"
    "<xmpMM:OriginalDocumentID>xmp.did:00</xmpMM:OriginalDocumentID>",
).encode()


def stated(packet: bytes, space: str, name: str) -> list[str]:
    document = parse_xmp(packet)
    found = [element.firstChild.data for element in document.getElementsByTagNameNS(space, name) if element.firstChild]
    for element in document.getElementsByTagName("*"):
        if element.hasAttributeNS(space, name):
            found.append(element.getAttributeNS(space, name))
    return found


@pytest.mark.parametrize("scan", [AS_ATTRIBUTES, AS_ELEMENTS], ids=["attributes", "elements"])
def test_identifiers_of_the_scan_become_those_of_its_source(scan: bytes) -> None:
    packet = build_xmp(scan, MADE)
    assert stated(packet, NS_REF, "documentID") == ["xmp.did:11"]
    assert stated(packet, NS_REF, "instanceID") == ["xmp.iid:22"]
    (document,), (instance,) = stated(packet, NS_MM, "DocumentID"), stated(packet, NS_MM, "InstanceID")
    assert document not in ("xmp.did:11", instance) and instance != "xmp.iid:22"
    assert stated(packet, NS_MM, "OriginalDocumentID") == ["xmp.did:00"]
    assert b"box 7" in packet
    restored = without_provenance(packet)
    assert stated(restored, NS_MM, "DocumentID") == ["xmp.did:11"]
    assert stated(restored, NS_MM, "InstanceID") == ["xmp.iid:22"]
    assert b"DerivedFrom" not in restored and b"box 7" in restored


def test_a_scan_without_identifiers_is_named_by_its_digest_and_stays_without() -> None:
    packet = build_xmp(None, MADE)
    assert stated(packet, NS_REF, "documentID") == [f"urn:sha256:{'cd' * 32}"]
    assert provenance_of_xmp(packet).scan_sha256 == "cd" * 32
    assert provenance_of_xmp(packet).defaults == {"vividness": "0.6"}
    assert without_provenance(packet) is None


def test_identifiers_follow_from_the_scan_and_the_options_alone() -> None:
    one = stated(build_xmp(None, MADE), NS_MM, "DocumentID")
    assert one == stated(build_xmp(AS_ATTRIBUTES, MADE), NS_MM, "DocumentID")
    for other in (replace(MADE, scan_sha256="ef" * 32), replace(MADE, parameters={"size": "64"})):
        assert stated(build_xmp(None, other), NS_MM, "DocumentID") != one


def test_a_result_of_a_result_is_derived_from_that() -> None:
    first = build_xmp(None, MADE)
    second = build_xmp(first, replace(MADE, scan_sha256="ef" * 32))
    assert stated(second, NS_REF, "documentID") == stated(first, NS_MM, "DocumentID")
    assert len(minidom.parseString(second).getElementsByTagNameNS(NS_MM, "DerivedFrom")) == 1


def test_what_says_where_it_came_from_does_not_make_results_differ() -> None:
    assert provenance_of_xmp(build_xmp(None, MADE)) == PROVENANCE
