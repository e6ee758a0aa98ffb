"""Bounded auto: makes order intents from an approved plan; it decides no permission."""
