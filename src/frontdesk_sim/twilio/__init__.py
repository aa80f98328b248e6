"""Twilio's Programmable Messaging: the REST API of 2010-04-01, its signed webhooks, and the carrier behind them.

Formats: Twilio's OpenAPI description ``twilio_api_v2010.json`` (github.com/twilio/twilio-oai) and
twilio.com/docs/messaging/guides/webhook-request.
"""
