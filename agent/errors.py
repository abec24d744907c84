"""Errors of the agent package.

    AgentError
    ├── ToolError        a tool refused: becomes a candidate's fault
    ├── EditError        an edit cannot be resolved against the snapshot: becomes a candidate's fault
    ├── ConfigError      the user's input cannot be used: exit code 2
    └── JournalError     the output folder or the event log cannot be written or read
"""


class AgentError(Exception):
    """Root of what the agent package raises."""


class ToolError(AgentError):
    """Raised by a tool that refuses; the message goes back to the model."""


class EditError(AgentError):
    """Raised when an edit does not resolve; the message says what was seen and what was wanted."""


class ConfigError(AgentError):
    """Raised when what the user gave cannot be used."""


class JournalError(AgentError):
    """Raised when the event log or the output folder cannot be written or read."""
