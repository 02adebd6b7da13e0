"""Vectors of environments for Stable-Baselines3: what it never needs here of the interface it asks for."""

from __future__ import annotations

from typing import Any

from stable_baselines3.common.vec_env import VecEnv


class PlainVector(VecEnv):
    """A vector whose environments have no attributes or methods of their own, and no wrappers."""

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return None for each environment."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse: nothing is set from outside."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse: nothing is called from outside."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Say that nothing is wrapped by Stable-Baselines3."""
        return [False] * self.num_envs
