"""Connected accounts: settings, credentials, health, and the raw deliveries that came in through them."""
