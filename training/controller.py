"""The adaptive controller of difficulty: equations 7 and 8 of Harwood et al., ICCV 2017. Plain numbers.

Every epoch gives a pair (e, x): x is the difficulty that its triplets were mined with (the paper's kappa), e the share
of them with a loss above zero. A least-squares line x = alpha * e + beta through the recent pairs says which x should
give the wanted e in the next epoch. The line starts as a prior and is pulled towards the prior's slope.
"""

from collections import deque
from dataclasses import dataclass, field

__all__ = ["Controller", "ControllerState"]

ControllerState = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Controller:
    """Steers one scalar.

    Attributes:
        value: The difficulty x for the next epoch, in [low, high].
        low: Smallest x.
        high: Largest x.
        prior_slope: alpha_0. Below zero where a larger x makes triplets easier, as kappa does; above zero where it
            makes them harder. A fitted slope of the other sign is not believed.
        ridge: Weight of the prior slope in the fit, in units of e squared.
        window: How many recent pairs are fitted.
        first: The first value; kept for the record.
        max_factor: x changes at most by this factor an epoch, up or down.
        pairs: The recent (e, x), oldest first.
    """

    value: float
    low: float = 1.0
    high: float = 64.0
    prior_slope: float
    ridge: float = 1e-3
    window: int = 5
    max_factor: float = 2.0
    first: float | None = None
    pairs: deque[tuple[float, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Refuse settings that steer nowhere."""
        if not 0 < self.low <= self.value <= self.high:
            raise ValueError(f"controller: wanted 0 < low <= value <= high, got {self.low}, {self.value}, {self.high}")
        if self.prior_slope == 0 or self.ridge < 0 or self.window < 1 or self.max_factor < 1:
            raise ValueError(
                f"controller: wanted prior_slope other than 0, ridge >= 0, window >= 1 and max_factor >= 1, got "
                f"{self.prior_slope}, {self.ridge}, {self.window} and {self.max_factor}"
            )

    def update(self, error: float, target: float) -> float:
        """Take in the error measured at `value`, and return the new value for `target`; both in [0, 1]."""
        self.pairs.append((error, self.value))
        while len(self.pairs) > self.window:
            self.pairs.popleft()
        slope, intercept = self.fit()
        wanted = slope * target + intercept
        step = min(max(wanted, self.value / self.max_factor), self.value * self.max_factor)
        self.value = min(max(step, self.low), self.high)
        return self.value

    def fit(self) -> tuple[float, float]:
        """Return alpha and beta of equation 7; the line passes through the mean of the pairs.

        The slope minimises sum((x - mean_x) - alpha (e - mean_e))^2 + ridge * (alpha - alpha_0)^2.
        """
        count = len(self.pairs)
        mean_error = sum(error for error, _ in self.pairs) / count
        mean_value = sum(value for _, value in self.pairs) / count
        spread = sum((error - mean_error) ** 2 for error, _ in self.pairs)
        together = sum((error - mean_error) * (value - mean_value) for error, value in self.pairs)
        weight = spread + self.ridge
        slope = (together + self.ridge * self.prior_slope) / weight if weight > 0 else self.prior_slope
        if slope * self.prior_slope <= 0:
            slope = self.prior_slope
        return slope, mean_value - slope * mean_error

    def state(self) -> ControllerState:
        """Return what a checkpoint keeps of it, as JSON-able values."""
        return {"value": self.value, "first": self.first, "pairs": [list(pair) for pair in self.pairs]}
