"""What staff must know to keep a child safe: profile, papers with an expiry, badges, the emergency card."""
