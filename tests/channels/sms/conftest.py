"""A driver that remembers nothing of other tests."""

import pytest

from frontdesk.channels.sms import KannelSms, SmppSms, Sms, TwilioSms


@pytest.fixture
def driver():
    return Sms(TwilioSms(), KannelSms(), SmppSms())
