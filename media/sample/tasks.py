"""A list of things to do, kept in a file."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Task:
    title: str
    done: bool = False


@dataclass
class TaskList:
    path: Path
    tasks: list[Task] = field(default_factory=list)

    def load(self) -> None:
        if not self.path.exists():
            return
        with self.path.open() as file:
            self.tasks = [Task(**entry) for entry in json.load(file)]

    def save(self) -> None:
        with self.path.open("w") as file:
            json.dump([asdict(task) for task in self.tasks], file)

    def add(self, title: str) -> None:
        self.tasks.append(Task(title))

    # Type here: def remove(
    

    def __len__(self) -> int:
        return len(self.tasks)
