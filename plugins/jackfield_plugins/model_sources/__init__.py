"""Where models come from: wheels, hubs, web addresses, files. What comes is verified, and resumed where it can be."""
