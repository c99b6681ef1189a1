from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from ancu.models.errors import UsageError
from ancu.server.adapters.notify_webpush import Subscription, open_sealed, public_text, seal, unb64
from ancu.server.notify.port import Refused

TEXT = b"When I grow up, I want to be a watermelon"  # this and the rest: RFC 8291, appendix A
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
BROWSER = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A"
    "_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private(text: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(text), "big"), ec.SECP256R1())


def subscription(endpoint: str = "https://push.example/1", **keys: str) -> str:
    return json.dumps({"endpoint": endpoint, "keys": {"p256dh": PUBLIC, "auth": AUTH} | keys})


def test_the_standards_own_example_comes_out_byte_for_byte():
    to = Subscription("https://push.example/1", unb64(PUBLIC), unb64(AUTH))
    assert seal(TEXT, to, salt=unb64(SALT), key=private(SENDER)) == unb64(BODY)
    assert open_sealed(unb64(BODY), private(BROWSER), unb64(AUTH)) == TEXT
    assert public_text(private(BROWSER)) == PUBLIC


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_in_that_browser(text: bytes):
    to = Subscription("", unb64(PUBLIC), unb64(AUTH))
    assert open_sealed(seal(text, to), private(BROWSER), unb64(AUTH)) == text


def test_another_browser_opens_nothing():
    to = Subscription("", unb64(PUBLIC), unb64(AUTH))
    with pytest.raises(UsageError):
        open_sealed(seal(TEXT, to), private(SENDER), unb64(AUTH))


def test_a_message_that_no_push_service_takes_is_refused():
    with pytest.raises(Refused):
        seal(b"x" * 4000, Subscription("", unb64(PUBLIC), unb64(AUTH)))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "no json",
        subscription("http://push.example/1"),
        subscription("https://evil.example/push.example"),
        subscription("https://xpush.example/1"),
        subscription(p256dh="AAAA"),
        subscription(auth="AAAA"),
        subscription(p256dh="BAAA" + PUBLIC[4:]),
    ],
)
def test_what_is_no_subscription_of_a_known_service_is_refused(text: str):
    with pytest.raises(UsageError):
        Subscription.read(text, ("push.example",))


def test_a_subdomain_of_a_known_service_is_known():
    assert Subscription.read(subscription("https://eu.push.example/1"), ("push.example",)).endpoint
