"""The functions in C that the encoding of a row calls: texts, flags, dates, scaling."""

from pellucid.data.recognition import MISSING
from pellucid.export.encoder_code import FLAGS
from pellucid.export.language import rows

_PLAIN = {c: chr(c) for c in range(32, 127)} | {34: '\\"', 92: "\\\\", 63: "\\?"}


def text(value: str) -> str:
    """Return a text in quotes, with everything but plain characters as bytes.

    Parameters
    ----------
    value : str
        The text.

    Returns
    -------
    str
    """
    letters = value.encode("utf-8", "surrogatepass")
    return '"' + "".join(_PLAIN.get(c, f"\\{c:03o}") for c in letters) + '"'


_PART = """
static double {name}_of(double seconds)
{{
    {value}
}}
"""
_OF_DAY = "return floor(floor(seconds) / {0}) - {1} * floor(seconds / {2});"
_PARTS = {
    "month": "int month, day;\n    calendar(seconds, &month, &day);\n"
    "    return month - 1;",
    "day": "int month, day;\n    calendar(seconds, &month, &day);\n    return day - 1;",
    "weekday": "const double days = floor(seconds / 86400) + 3; /* 0 for Monday */\n"
    "    return days - 7 * floor(days / 7);",
    "hour": _OF_DAY.format(3600, 24, 86400),
    "minute": _OF_DAY.format(60, 60, 3600),
}

HELPERS = {
    "PI": "static const double PI = 3.141592653589793;",
    "COUNT": "#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))",
    "is_space": """
static int is_space(char letter)
{
    return letter == ' ' || (letter >= '\\t' && letter <= '\\r');
}
""",
    "same": """
/* Whether a cell is a text, whatever the spaces around it; folded to small letters. */
static int same(const char *cell, const char *text, int folded)
{
    while (is_space(*cell))
        cell++;
    for (; *text; text++, cell++) {
        const int large = folded && *cell >= 'A' && *cell <= 'Z';
        if ((large ? *cell - 'A' + 'a' : *cell) != *text)
            return 0;
    }
    while (is_space(*cell))
        cell++;
    return !*cell;
}
""",
    "is": """
/* Whether a text is there, and is this one. */
static int is(const char *cell, const char *text)
{
    return cell != NULL && same(cell, text, 0);
}
""",
    "text_of": """
/* A text, or NULL where nothing is. */
static const char *text_of(const char *cell)
{{
    static const char *const missing[] = {{
{missing}
    }};
    for (int i = 0; cell && i < COUNT(missing); i++)
        if (same(cell, missing[i], 0))
            cell = NULL;
    return cell;
}}
""".format(missing="\n".join(rows(map(text, MISSING), " " * 8))),
    "flag_of": """
/* Finds 1 for yes and 0 for no, NAN where nothing is; returns 0 for another text. */
static int flag_of(const char *cell, double *flag)
{{
    static const char *const words[] = {{
{words}
    }};
    *flag = NAN;
    if (!text_of(cell))
        return 1;
    for (int i = 0; i < COUNT(words); i++)
        if (same(cell, words[i], 1))
            *flag = i % 2;
    return *flag == *flag;
}}
""".format(words="\n".join(rows(map(text, FLAGS), " " * 8))),
    "digits": """
/* Reads a whole number of so many digits at most; returns how many there were. */
static int digits(const char **cell, int most, int *number)
{
    int count = 0;
    for (*number = 0; count < most && **cell >= '0' && **cell <= '9'; count++)
        *number = *number * 10 + *(*cell)++ - '0';
    return count;
}
""",
    "days_of": """
/* Days since 1970-01-01, counted from March on (Howard Hinnant, days_from_civil). */
static int days_of(int year, int month, int day)
{
    const int march = month > 2 ? month - 3 : month + 9;
    const int years = year - (month <= 2);
    const int leaps = years / 4 - years / 100 + years / 400;
    return 365 * years + leaps + (153 * march + 2) / 5 + day - 719469;
}
""",
    "calendar": """
/* Finds the month and the day of seconds since 1970. */
static void calendar(double seconds, int *month, int *day)
{
    const double days = floor(seconds / 86400) + 719468;
    const double era = floor(days / 146097);
    const int left = (int)(days - era * 146097);
    const int year = (left - left / 1460 + left / 36524 - left / 146096) / 365;
    const int rest = left - (365 * year + year / 4 - year / 100);
    const int march = (5 * rest + 2) / 153;
    *day = rest - (153 * march + 2) / 5 + 1;
    *month = march < 10 ? march + 3 : march - 9;
}
""",
    "time_of": """
/* Reads the time behind a date, T13:45:07.5+01:00; returns 0 if it is none. */
static int time_of(const char *cell, double *seconds)
{
    int hour, minute, whole = 0;
    double share = 0, digit = 1;
    *seconds = 0;
    if (*cell == 'T' || (*cell == ' ' && cell[1] >= '0' && cell[1] <= '9')) {
        cell++;
        if (!digits(&cell, 2, &hour) || *cell++ != ':' || digits(&cell, 2, &minute) < 2)
            return 0;
        if (*cell == ':' && (cell++, digits(&cell, 2, &whole) < 2))
            return 0;
        if (*cell == '.')
            for (cell++; *cell >= '0' && *cell <= '9'; cell++)
                share += (*cell - '0') * (digit /= 10);
        if (hour > 23 || minute > 59 || whole > 59)
            return 0;
        *seconds = hour * 3600.0 + minute * 60 + whole + share;
        if (*cell == 'Z') {
            cell++;
        } else if (*cell == '+' || *cell == '-') {
            const int sign = *cell++ == '+' ? 60 : -60;
            if (digits(&cell, 2, &hour) < 2)
                return 0;
            cell += *cell == ':';
            if (digits(&cell, 2, &minute) < 2)
                return 0;
            *seconds -= sign * (hour * 60 + minute);
        }
    }
    while (is_space(*cell))
        cell++;
    return !*cell;
}
""",
    "date_of": """
/*
 * Finds the seconds since 1970 of a date, NAN where nothing is; returns 0 if it is no
 * date. Slashes: 'd' where the day comes first, 'm' where the month does, 0 for none.
 */
static int date_of(const char *cell, char slashes, double *seconds)
{
    int parts[3], lengths[3], first = 0;
    char signs[2];
    double time;
    *seconds = NAN;
    if (!text_of(cell))
        return 1;
    while (is_space(*cell))
        cell++;
    for (int i = 0; i < 3; i++) {
        lengths[i] = digits(&cell, 4, &parts[i]);
        if (!lengths[i] || (i < 2 && !(signs[i] = *cell++)))
            return 0;
    }
    if (signs[0] != signs[1])
        return 0;
    if (signs[0] == '-')
        first = 1;
    else if (signs[0] != '.' && (signs[0] != '/' || !slashes))
        return 0;
    const int year = parts[first ? 0 : 2];
    const int switched = signs[0] == '/' && slashes == 'm';
    const int month = parts[switched ? 0 : 1];
    const int day = parts[first ? 2 : switched ? 1 : 0];
    if (lengths[first ? 0 : 2] != 4 || year < 1 || month < 1 || month > 12 || day < 1)
        return 0;
    const int next = month < 12 ? days_of(year, month + 1, 1) : days_of(year + 1, 1, 1);
    if (day > next - days_of(year, month, 1) || !time_of(cell, &time))
        return 0;
    *seconds = days_of(year, month, day) * 86400.0 + time;
    return 1;
}
""",
    **{
        f"{name}_of": _PART.format(name=name, value=value)
        for name, value in _PARTS.items()
    },
    "filled": """
/* A number, or a value where it is missing. */
static double filled(double x, double value)
{
    return x == x ? x : value;
}
""",
    "smooth_clip": """
/* Nearly x where it is small, and never more than the limit. */
static double smooth_clip(double x, double limit)
{
    const double t = fmin(fmax(x / limit, -1e6), 1e6);
    return limit * t / sqrt(1 + t * t);
}
""",
    "interpolated": """
/* The value at x on the line through values at knots. */
static double interpolated(
        double x, const double *knots, const double *values, int count)
{
    int i = 0;
    if (x <= knots[0])
        return values[0];
    if (x >= knots[count - 1])
        return values[count - 1];
    while (knots[i + 1] <= x)
        i++;
    return (values[i + 1] - values[i]) / (knots[i + 1] - knots[i]) * (x - knots[i])
        + values[i];
}
""",
    "place_of": """
/* The place of a text from 1, 0 where it is none of them. */
static int place_of(
        const char *cell, const char *const *levels, int count, int missing)
{
    for (int i = 0; cell && i < count; i++)
        if (same(cell, levels[i], 0))
            return i + 1;
    return cell ? 0 : missing;
}
""",
}
