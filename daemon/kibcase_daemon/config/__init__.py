"""The configuration: one YAML file, read whole, with every mistake told at once.

``load_config`` gives a frozen ``Config`` or raises ``ConfigError``.
"""

from kibcase_daemon.config.load import SIZE_LIMIT, load_config, parse_config
from kibcase_daemon.config.model import (
    Config,
    FieldConfig,
    LimitsConfig,
    LinkConfig,
    LogConfig,
    PersonConfig,
    ScheduleConfig,
    System,
    TemplateConfig,
    TemplatesConfig,
)

__all__ = [
    "SIZE_LIMIT",
    "Config",
    "FieldConfig",
    "LimitsConfig",
    "LinkConfig",
    "LogConfig",
    "PersonConfig",
    "ScheduleConfig",
    "System",
    "TemplateConfig",
    "TemplatesConfig",
    "load_config",
    "parse_config",
]
