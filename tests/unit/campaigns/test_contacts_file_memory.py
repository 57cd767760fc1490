"""A long list is read in constant memory."""

from __future__ import annotations

import multiprocessing
import resource
from pathlib import Path

from campaigns.contacts_file import ContactsFile


def read_all(path: Path, answer) -> None:
    with ContactsFile(path, "RU") as file:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rows = sum(1 for _row in file.rows())
        answer.put((rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


def test_200_000_rows_need_no_more_memory_than_500(tmp_path):
    path = tmp_path / "list.csv"
    with path.open("w", encoding="cp1251") as handle:
        handle.write("Телефон;ФИО;Заметка\n")
        handle.writelines(f"+7900{i:07d};Хабибуллина Анна {i};{'о' * 60}\n" for i in range(200_000))
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=read_all, args=(path, answer))
    process.start()
    rows, grown_kb = answer.get(timeout=60)
    process.join()
    answer.close()
    answer.join_thread()
    assert rows == 200_000
    assert grown_kb < 10_000
