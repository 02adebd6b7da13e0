"""Whether a profile is an equilibrium: certificates, computed without any solver."""
