"""Solves the auctions that `bench --write-instances DIR` wrote with HiGHS.

An independent check: where our search says it proved its set the best, HiGHS must not find a better
one, and must prove the same total. And a yardstick: how many times longer HiGHS takes, one thread
each, the problem handed over as arrays that are already there.

    python tests/compare/highs.py DIR --out target/bench/highs.json

Needs highspy (`pip install -r tests/compare/requirements.txt`; `make compare` does it in a virtual
environment under target/). `make test` does not need it.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

try:
    import highspy
    import numpy as np
except ImportError:
    sys.exit(
        "highspy is not installed: run `make compare`, or\n"
        "  python3 -m venv target/compare\n"
        "  target/compare/bin/pip install -r tests/compare/requirements.txt"
    )


def model(auction):
    """The auction as HiGHS reads it: maximise weights, one binary variable a bid, rows sparse."""
    weights, rows = auction["weights"], auction["rows"]
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(weights), len(rows)
    lp.col_cost_ = np.array(weights, dtype=np.float64)
    lp.col_lower_ = np.zeros(len(weights))
    lp.col_upper_ = np.ones(len(weights))
    lp.row_lower_ = np.full(len(rows), -highspy.kHighsInf)
    lp.row_upper_ = np.array([row["capacity"] for row in rows], dtype=np.float64)
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.integrality_ = [highspy.HighsVarType.kInteger] * len(weights)
    starts = np.cumsum([0] + [len(row["uses"]) for row in rows])
    uses = [use for row in rows for use in row["uses"]]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = starts.astype(np.int32)
    lp.a_matrix_.index_ = np.array([bid for bid, _ in uses], dtype=np.int32)
    lp.a_matrix_.value_ = np.array([amount for _, amount in uses], dtype=np.float64)
    return lp


def solve(auction, limit_s):
    """HiGHS's set, in exact integers, with its bound and its time in microseconds."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", 0.5)  # weights are whole numbers
    highs.setOptionValue("time_limit", limit_s)
    lp = model(auction)
    # as ours: without what a busy machine lets it wait for a processor
    begun = time.process_time()
    highs.passModel(lp)
    highs.run()
    took = (time.process_time() - begun) * 1e6
    proven = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    values = highs.getSolution().col_value
    items = [bid for bid, value in enumerate(values) if value > 0.5]
    return {
        "us": took,
        "proven": proven,
        "weight": total(auction, items, "HiGHS"),
        "bound": highs.getInfo().mip_dual_bound,
    }


def total(auction, items, who):
    """The weight of a set; it must exceed no row."""
    chosen = set(items)
    for number, row in enumerate(auction["rows"]):
        taken = sum(amount for bid, amount in row["uses"] if bid in chosen)
        if taken > row["capacity"]:
            sys.exit(f"{auction['name']}: {who} takes {taken} of {row['capacity']} in row {number}")
    return sum(auction["weights"][bid] for bid in items)


def compare(auction, limit_s):
    """One auction: refuses to go on where the two contradict each other."""
    name, ours = auction["name"], auction["ours"]
    weight = total(auction, ours["items"], "ours")
    if weight != ours["weight"]:
        sys.exit(f"{name}: our set weighs {weight}, not {ours['weight']}")
    theirs = solve(auction, limit_s)
    # HiGHS computes in floating point: its proofs hold to about one part in a thousand million
    slack = max(1.0, 1e-9 * weight)
    if theirs["weight"] > ours["bound"]:
        sys.exit(f"{name}: HiGHS found {theirs['weight']}, above our bound {ours['bound']}")
    if theirs["proven"] and weight > theirs["weight"] + slack:
        sys.exit(f"{name}: HiGHS calls {theirs['weight']} the optimum, we found {weight}")
    return theirs


def ratio_rows(results):
    """Rows of the bench's table: how many times longer HiGHS took, by the medians of each size."""
    rows = []
    for group in dict.fromkeys(auction["group"] for auction, _ in results):
        mine = [(a["ours"], theirs) for a, theirs in results if a["group"] == group]
        ours = statistics.median(our["us"] for our, _ in mine)
        highs = statistics.median(their["us"] for _, their in mine)
        same = sum(our["weight"] == their["weight"] for our, their in mine)
        ours_proven = sum(our["bound"] == our["weight"] for our, _ in mine)
        highs_proven = sum(their["proven"] for _, their in mine)
        note = (
            f"HiGHS {highs / 1e3:.2f} ms, ours {ours / 1e3:.3f} ms, one thread, medians of {len(mine)}; "
            f"the same total in {same}, proven in {highs_proven} and {ours_proven}"
        )
        rows.append({
            "name": f"highs_ratio_{group}",
            "value": highs / ours,
            "unit": "times",
            "reference": 10.0 if group.startswith("dex") else None,
            "ratio": highs / ours / 10.0 if group.startswith("dex") else None,
            "note": note,
        })
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where `bench --write-instances` wrote to")
    parser.add_argument("--out", type=Path, help="where the rows go, as JSON")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds HiGHS gets for one auction")
    args = parser.parse_args()
    paths = sorted(args.folder.glob("*.json"))
    if not paths:
        sys.exit(f"no auctions in {args.folder}: run `bench --write-instances {args.folder}` first")
    results = []
    for path in paths:
        auction = json.loads(path.read_text())
        results.append((auction, compare(auction, args.limit)))
    rows = ratio_rows(results)
    for row in rows:
        print(f"{row['name']:<34} {row['value']:>10.1f} times   {row['note']}")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
