"""Published indices of occupations that scores are held against: the bundled ones and a user's own."""
