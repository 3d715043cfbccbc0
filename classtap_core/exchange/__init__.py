"""What comes in from elsewhere and goes out: tables, rosters, calendars, one person, a whole studio."""
