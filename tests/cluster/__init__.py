"""Several services of one deployment: what clients were told, and whether one processor could have
said it."""
