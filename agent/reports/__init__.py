"""What a run leaves behind: result.json, winner.patch, summary.md, and words for the terminal."""

from .folder import (
    RunFolder as RunFolder,
    find_run as find_run,
    new_folder as new_folder,
    read_result as read_result,
)
from .result import (
    SCHEMA_VERSION as SCHEMA_VERSION,
    failure_result as failure_result,
    run_result as run_result,
)
from .summary import write_summary as write_summary
from .terminal import (
    print_proof as print_proof,
    print_result as print_result,
    print_sandbox as print_sandbox,
)
