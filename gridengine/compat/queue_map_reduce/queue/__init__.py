"""What is asked of the Grid Engine, and the script that its queue jobs run."""

from . import job_organization, worker_node_script

__all__ = ["job_organization", "worker_node_script"]
