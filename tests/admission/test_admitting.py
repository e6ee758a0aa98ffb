from pathlib import Path
from tests.fakes.trust_desk import *

def test_probe(tmp_path):
    import time
    d = TrustDesk(tmp_path)
    v = d.cycle(); print(codes(v), v.permitted.mode, v.findings)
    d.approve(1)
    t=time.perf_counter(); v = d.cycle(); print(time.perf_counter()-t)
    print(codes(v), v.permitted)
    # withdraw after
    d.sign(1, "rita", decision=Decision.WITHDRAW)
    v = d.cycle(); print("WITHDRAW", codes(v), v.permitted.mode)
