/* The platforms, in the order in which they are told: a line each. */
PLATFORM(gumroad)
PLATFORM(gank)
PLATFORM(kofi)
