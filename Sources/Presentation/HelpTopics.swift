package import CommandLineInterface

extension HelpTopic {
  /// The topics that both programs know, in the order of their help.
  package static let all = [exitCodes, times, formats, environment, evidence]

  /// How times may be written.
  package static let times = HelpTopic(
    "times", "How times are written, and which of them a call may name in words",
    text: """
      The log stores instants in UTC with six digits of fraction, such as \
      2026-11-23T17:00:00.000000Z. Beside the start and end of a dispatch it stores the zone, the \
      offset that held there and the text as it was typed.

      Options that look at history (--since, --until, --as-of, --known-at) take these, all in UTC \
      unless they carry an offset:

        2026-11-23T17:00:00Z, 2026-11-23T12:00:00-05:00
        2026-11-23 17:00, 2026-11-23 17:00:30
        2026-11-23, 2026-11, 2026-W48 (a day, month or week: its beginning)
        17:00 (today)
        now, today, yesterday, tomorrow
        -2h, -30m, -7d, -90s, -1w; +2h
        2 hours ago, 3 days ago
        @1795712400 (seconds since 1970-01-01T00:00:00Z)

      --since takes what was recorded at that time or later, --until what was recorded before it: \
      '--since 2026-11 --until 2026-12' is one month. A bare number is an event's id where --as-of \
      takes both, never a year.

      What is recorded is never so loose: --at, --start and --end take RFC 3339, and a request also \
      MM/DD/YYYY HH:MM in its program's zone. A time that a zone skips is refused; one that occurs \
      twice needs "fold" ("first" or "second").
      """)

  /// What goes in and what comes out.
  package static let formats = HelpTopic(
    "formats", "What the programs read and write",
    text: """
      Standard output is data, standard error is talk. With --json a command answers with one JSON \
      object on one line, with "v":1, to which keys are only ever added. A failure is then an object \
      on standard error:

        {"error":{"code":"not-found","exit":66,"hint":"…","message":"…"},"v":1}

      'code' and 'exit' are those of 'help exit-codes'; 'message' is for people and may change.

      A request is a JSON object; a file may hold many, one a line. A catalogue is one JSON \
      document. 'append' takes JSON Lines, each with "command". Keys are lower case with \
      underscores, ids are numbers or strings, durations ISO 8601 (PT30M), decimal quantities \
      strings. A key that is known in another spelling is refused.

      'ledger-audit log --json' prints the stored lines themselves, the bytes that were hashed: \
      CloudEvents 1.0, one a line. 'ledger-audit replay' prints transaction logs, the same bytes on \
      each run. Text for people is cut to the width of a terminal and never to that of a pipe; it \
      may change with a release, the rest doesn't.
      """)

  /// The variables that are heeded.
  package static let environment = HelpTopic(
    "environment", "The variables of the environment that are heeded",
    text: """
      An option counts more than a variable.

        DISPATCH_LEDGER   the ledger's directory, as -C names it
        PAGER             what shows long output on a terminal; 'cat' or nothing: no pager;
                          where it isn't set, less
        LESS              the options of less; FRX where it isn't set
        NO_COLOR          set and not empty: no colour
        CLICOLOR_FORCE    set and not 0: colour without a terminal, too
        TERM              dumb: no colour, no progress, no pager
        COLUMNS, LINES    the terminal's size, where the terminal doesn't say or says wrong
        XDG_CONFIG_HOME   where dispatch-ledger/config.json is looked for; ~/.config where not set
        HOME              the same, and the start of a path that begins with ~/ in completion

      A channel's secret may stand in a variable that config.json names. No variable changes what \
      is recorded: neither clock nor keys nor random numbers can be given from outside.
      """)

  /// What proves what, to whom.
  package static let evidence = HelpTopic(
    "evidence", "What can be shown to whom, and with which command",
    text: """
      Every event is a leaf of a Merkle tree (RFC 6962). After each call the ledger signs a \
      checkpoint, the size and root of the tree, as a C2SP signed note.

        'ledger-audit verify'                  the files are consistent in themselves
        'ledger-audit verify --vkey KEY'       and are what the key's holder signed
        'ledger-audit verify --pinned NOTE'    and continue what you kept
        'ledger-audit verify --policy FILE'    and witnesses saw the same
        'ledger-audit recheck'                 every decision follows from the events before it
        'ledger-audit replay --check DIR'      transaction logs are as they were printed
        'ledger-audit prove ID --out F'        an event was recorded; 'proof check F' needs no ledger
        'ledger-audit compare A B'             two copies are one history, or where they part

      Of a notice, evidence has a strength: 0 none, 1 a provider took it, 2 the carrier or the \
      recipient's server has it, 3 the carrier confirms, 4 a person answered, 5 a person opted in \
      or out. A weaker one never lowers a stronger one. An attempt without an answer is unknown, \
      and stays so until it is settled.

      What nobody can see without a pin or a witness: an older copy, whole and signed, put back in \
      the place of the ledger. So keep a checkpoint elsewhere, or ask a witness.
      """)
}
