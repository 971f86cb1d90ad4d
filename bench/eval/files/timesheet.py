"""Hours worked, read from a CSV file and summed by project and week."""

import csv
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Entry:
    day: date
    project: str
    hours: float

    @property
    def week(self):
        year, week, _ = self.day.isocalendar()
        return f"{year}-W{week:02d}"


def read_entries(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield Entry(
                day=date.fromisoformat(row["day"]),
                project=row["project"].strip(),
                hours=float(row["hours"]),
            )


def sum_by_week(entries):
    totals = defaultdict(lambda: defaultdict(float))
    for entry in entries:
        if entry.hours <= 0:
            raise ValueError(f"{entry.day}: hours must be positive")
        totals[entry.week][entry.project] += entry.hours
    return totals


def print_report(totals):
    for week in sorted(totals):
        print(week)
        for project, hours in sorted(totals[week].items()):
            print(f"  {project:<20} {hours:6.2f}")
        print(f"  {'total':<20} {sum(totals[week].values()):6.2f}")


def main():
    if len(sys.argv) != 2:
        print("usage: timesheet.py FILE", file=sys.stderr)
        return 2
    print_report(sum_by_week(read_entries(sys.argv[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
