"""The doctor says which address a node has not reached, and that all else works.

Slow: the doctor tries for long
Site: firewall-reject, user, own-python

$ GRIDENGINE_CHANNEL=tcp python -m gridengine doctor --queue all.q > said
[status 1]
$ grep -E -c "^(failed|warning) " said
1
$ grep -E "^failed |GRIDENGINE_PORTS|^ok +(test job|Python there|packages there)" said
ok ...test job ...
ok ...Python there ...
ok ...packages there ...
failed ...network ...Connection refused ...
...GRIDENGINE_PORTS=54000-54100...
$ GRIDENGINE_PORTS=20000-20099 python -m gridengine doctor --write > said
...gridengine.toml: added
  scheduler = "grid_engine"
  ports = "20000-20099"
$ grep -c "^failed" said
0
[status 1]
$ python -c "import gridengine; print(gridengine.map(abs, [-1, -2]))"
[1, 2]
"""
