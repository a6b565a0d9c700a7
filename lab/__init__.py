"""A lab that shows, and measures, how DNS, anycast and L4/L7 balancing fail over."""
