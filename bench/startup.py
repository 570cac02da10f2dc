"""How long `groundwork train` takes from its start to its first training step."""
import os
import pty
import re
import subprocess
import time


def measure(program, model_name, dtype, data, batch_size, threads):
    """Seconds until the first step began and until it ended, read off the progress bar, which a terminal shows.

    The bar is first drawn when a step has ended, and says how many images per second there were; None if the program
    ended without a bar.
    """
    ours, theirs = pty.openpty()
    command = [program, "train", "--model", model_name, "--dtype", dtype, "--epochs", "1", "--batch", str(batch_size),
               "--data", str(data)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL,
                               env={**os.environ, "OMP_NUM_THREADS": str(threads)})
    os.close(theirs)
    text, bar = "", None
    while bar is None:
        try:
            text += os.read(ours, 4096).decode(errors="replace")
        except OSError:  # the terminal's other end is closed: the program has ended
            break
        bar = re.search(r"\] (\d+)/\d+ .* (\d+) images/s", text)
    end = time.perf_counter() - start
    process.kill()
    process.wait()
    os.close(ours)
    if bar is None:
        return None
    steps, rate = int(bar.group(1)), int(bar.group(2))
    step_seconds = batch_size / rate
    return {"first_step_begins_s": end - steps * step_seconds, "first_step_ends_s": end - (steps - 1) * step_seconds}
