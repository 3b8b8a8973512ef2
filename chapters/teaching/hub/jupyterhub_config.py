"""The course on a JupyterHub: one installation, which nobody can change, and for
each learner copies of their own.

    jupyterhub -f jupyterhub_config.py

The hub's own settings (who may come, addresses, containers) go below.
"""

c = get_config()  # noqa: F821  (JupyterHub gives it)

# Bring the learner's copies, then the server. $@ is what the hub adds.
c.Spawner.cmd = [
    "/bin/sh",
    "-c",
    'posecourse lab --copies-only --work "$HOME/posecourse-work"; '
    'exec jupyterhub-singleuser "$@"',
    "course",
]
c.Spawner.default_url = "/lab/tree/posecourse-work/START_HERE.ipynb"

# The first start after an installation may take longer than a minute.
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 180

# The hungriest chapter, 11, took 1.4 GB. Many on one machine: one thread each.
c.Spawner.mem_limit = "3G"  # by containers and systemd, not by plain processes
c.Spawner.environment = {"OMP_NUM_THREADS": "2"}
