"""Tabular learners that are told nothing but samples of a game, and the exact judgement of what they learned."""

from __future__ import annotations

from powergames.learning.loop import train, train_many
from powergames.learning.runs import HistoryPoint, TrainingRun
from powergames.learning.sweeps import TrainingPoint, TrainingSweep, train_sweep

__all__ = ["HistoryPoint", "TrainingPoint", "TrainingRun", "TrainingSweep", "train", "train_many", "train_sweep"]
