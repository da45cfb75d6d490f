"""How much redundancy each coordinate of the gradient gets: block-coordinate gradient coding (Wang et al. 2022)."""
