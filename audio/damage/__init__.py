"""Damage to recordings, made the way the world makes it, with its place in time.

Conventions
-----------
Signals are mono, float32 ``[samples]`` at full scale +-1.0. Every kind of damage takes a signal, its rate and a random
generator, and answers a `audio.damage.regions.Damaged`: what is heard, and where. Nothing is changed in place.
"""
