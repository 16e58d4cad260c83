"""The stop button of a notebook ends a map at once, and the next cell's map works.

On: cores, cluster
Needs: jupyter_client, ipykernel
Slow: a kernel starts, as in tests/notebooks/test_interrupts.py

$ python notebook_interrupt.py 2>&1 | grep -v '^.IPKernelApp'
KeyboardInterrupt after less than 10 s
[1, 4]
"""

import os
import time

from jupyter_client.manager import start_new_kernel

MAP = """
import gridengine, pathlib, time
def sleep(seconds):
    pathlib.Path("started").touch()
    time.sleep(seconds)
gridengine.map(sleep, [100] * 8)
"""


def output_of(client, code):
    texts = []

    def note(message):
        content = message["content"]
        texts.append(content.get("data", {}).get("text/plain", ""))
        texts.extend(content.get("traceback", ()))

    client.execute_interactive(code, output_hook=note, timeout=30)
    return "".join(texts)


manager, client = start_new_kernel()
try:
    # Else the kernel refuses for a moment after an error what is asked of it: "aborted".
    request = client.execute(MAP, stop_on_error=False)
    while not os.path.exists("started"):
        time.sleep(0.01)
    manager.interrupt_kernel()
    begin = time.monotonic()
    while (reply := client.get_shell_msg(timeout=30))["parent_header"].get("msg_id") != request:
        pass  # an answer to an earlier question
    quick = time.monotonic() - begin < 10
    print(reply["content"]["ename"], "after less than 10 s" if quick else "late")
    print(output_of(client, "gridengine.map(lambda x: x * x, [1, 2])"))
finally:
    client.stop_channels()
    manager.shutdown_kernel()
