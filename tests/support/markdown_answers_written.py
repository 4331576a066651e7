"""Answers like those of a model, written for the tests; they contain every construct that is common in answers."""

from __future__ import annotations

WRITTEN = (
    """# Sorting in Python

Python has **two** ways to sort: `list.sort()` works *in place*, and `sorted()` returns a **new list**. Both are stable.

## The key

1. **Write a key function.** It is called once for each element:
   ```python
   words.sort(key=str.lower)
   ```
2. **Use `operator`** for attributes and items, e.g. `itemgetter(1)`.
3. Reverse with `reverse=True`; 2 * 3 = 6 and a_b_c stay as they are.

| function | in place | returns |
|:---------|:--------:|--------:|
| `list.sort` | yes | `None` |
| `sorted` | no | a *new* list |

> **Note:** a key is faster than `cmp_to_key`.
> It is computed only once.

See the [Sorting HOW TO](https://docs.python.org/3/howto/sorting.html) for more.
""",
    """Here's a plan for **three days in Lisbon**:

### Day 1 – Alfama & Baixa

* **Morning:** Take *Tram 28* from Martim Moniz (go early!).
* **Afternoon:** Visit the [castle](https://example.org/castle) – about €15.
    * Tickets: buy them online.
    * Time needed: ~2 hours.
* **Evening:** Fado & dinner.

---

### Day 2 – Belém

- [x] Book the monastery
- [ ] Pack water
- [ ] Try *pastéis de nata*

Costs come to $5 and $6 a person, i.e. <$12 in all; see [1] and [the notes].

[the notes]: https://example.org/notes
""",
    """To compare the two, consider this JSON:

```json
{
  "name": "gemini",
  "tags": ["a", "b"],
  "nested": {"x": 1, "y": null}
}
```

and the shell command

```bash
curl -s "https://example.org/api?x=1" | jq '.name'   # prints the name
for f in *.txt; do echo "$f"; done
```

The function below does the same:

```python
def name(text: str) -> str:
    \"\"\"Return the name.

    Over several lines.
    \"\"\"
    return json.loads(text)["name"]  # may raise
```

***Important:*** the **`name`** key must exist, otherwise a `KeyError` is raised. ~~Older versions~~ returned `None`.

Ünïcode, emoji 🎉 and "quotes" — too.
""",
    r"""## Compound interest

With a principal $P$, a yearly rate $r$ and $n$ periods a year, after $t$ years you have

$$
A = P \left(1 + \frac{r}{n}\right)^{nt}
$$

So $1,000 at 5% become about $1,051.16 with \(n = 12\)[^1]. In the limit \(n \to \infty\):

\[
\begin{aligned}
A &= P e^{rt} \\
  &= P \sum_{k=0}^{\infty} \frac{(rt)^k}{k!}
\end{aligned}
\]

- The *doubling time* is $t_2 = \frac{\ln 2}{r}$, **not** $\frac{1}{r}$.
- For small $r$ it is close to the rule of 72:
  $$t_2 \approx \frac{72}{100\,r}$$

| plan | price | after $t=1$ |
|:-----|------:|:-----------:|
| A | $5 | $P(1+r)$ |
| B | $12.50 | \(P e^{r}\) |

A shell would say `echo $HOME`, and it costs $5 a month or $50 a year.

[^1]: Rounded to cents, see [the table](https://example.org/rates).
""",
)
