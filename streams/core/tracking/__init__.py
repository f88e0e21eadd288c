"""Multi-object tracking: detections of one frame at a time to tracks that keep their identity.

Two-stage association by score (Zhang et al., ByteTrack, ECCV 2022) on a constant-velocity Kalman
filter, in seconds throughout, so that 5, 10 and 25 frames a second behave alike.
"""
