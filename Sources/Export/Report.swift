package import Audit
import Bytes
import Dispatching
import EventLog
package import Events

/// A report on dispatches for people, as one HTML file that needs nothing else (`FORMAT.md` §25).
///
/// It is made from events alone, and has no time of its own: the same events, read by the same program,
/// give the same bytes.
package struct Report {
  /// What signs the history that it is of.
  package struct Signature: Sendable {
    /// The newest checkpoint's note, as it is kept.
    package let note: String
    /// How many events it covers.
    package let size: UInt64

    package init(note: String, size: UInt64) {
      self.note = note
      self.size = size
    }
  }

  private var accounts: [DispatchAccount] = []
  private var attempts: [EntityID: [Attempt]] = [:]
  private let recheck: Recheck
  private let stories: [EntityID: DispatchStory]
  private let subject: String
  private let signature: Signature?

  /// At most so many rows stand in one table; what more there is, is counted.
  package static let rowLimit = 2_000

  /// - Parameters:
  ///   - recheck: Of the whole history up to the moment of the report.
  ///   - stories: Of the dispatches that it is about.
  ///   - subject: What it is about, in words.
  ///   - signature: `nil` where no checkpoint is kept.
  /// - Throws: What reading the log again does, where the recheck made several passes.
  package init(
    _ recheck: Recheck, _ stories: [EntityID: DispatchStory], about subject: String,
    signature: Signature?
  ) throws(AuditError) {
    self.recheck = recheck
    var cursor = recheck.accounts
    while let account = try cursor.read() {
      guard stories[account.id] != nil else { continue }
      accounts.append(account)
      attempts[account.id] = cursor.attempts(of: account)
    }
    self.stories = stories
    self.subject = subject
    self.signature = signature
  }

  /// The file.
  package var bytes: [UInt8] {
    var html = HTMLWriter()
    html.add(markup: "<!DOCTYPE html>\n")
    html.element("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) { html in
      addHead(to: &html)
      html.element("body") { html in
        ReportChart.addPatterns(to: &html)
        html.element("main") { html in
          addSummary(of: accounts, to: &html)
          for account in accounts { addDispatch(account, to: &html) }
          addFindings(to: &html)
          addEvidence(to: &html)
        }
      }
    }
    return Array("\(html.text)\n".utf8)
  }

  private func addHead(to html: inout HTMLWriter) {
    html.element("head") { html in
      html.empty("meta", ["charset": "utf-8"])
      let digest = SHA256.hash(Array(ReportStyle.text.utf8)).base64
      html.empty(
        "meta",
        [
          "http-equiv": "Content-Security-Policy",
          "content": "default-src 'none'; style-src 'sha256-\(digest)'",
        ])
      html.empty(
        "meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      html.element("title", text: "Dispatch report: \(subject)")
      html.element("style") { $0.add(markup: ReportStyle.text) }
    }
  }

  // MARK: - All together

  private func addSummary(of accounts: [DispatchAccount], to html: inout HTMLWriter) {
    html.element("h1", text: "Dispatch report: \(subject)")
    addList(
      [
        ("Ledger", "\(recheck.identity.origin) (\(recheck.identity.id.hex))"),
        ("Events read", "\(recheck.size)"), ("Root of these", recheck.root?.base64 ?? "-"),
        ("Dispatches", "\(accounts.count)"),
        (
          "Findings",
          recheck.findingCount == 0
            ? "none: every decision is as the rules make it from the history"
            : "\(recheck.findingCount), listed below"
        ),
      ], to: &html)
    for isTest in [false, true] {
      let part = accounts.filter { $0.isTest == isTest }
      if part.isEmpty { continue }
      html.element("h2", text: isTest ? "Drills, all together" : "Dispatches, all together")
      verdictChart("Told in time", part.map { ($0.id.text, $0.modifications) }).add(to: &html)
      let told = part.flatMap { $0.modifications.flatMap(\.told) }
      timeChart(told).add(to: &html)
    }
    addRejections(apartFrom: accounts, to: &html)
  }

  /// Requests that no dispatch came of.
  private func addRejections(apartFrom accounts: [DispatchAccount], to html: inout HTMLWriter) {
    let accepted = Set(accounts.map(\.id))
    let rejected = stories.filter { !accepted.contains($0.key) }.values
      .flatMap(\.milestones).sorted { $0.event < $1.event }
    if rejected.isEmpty { return }
    addTable(
      "Requests that were rejected", ["event", "time", "by", "what"],
      rejected.map { ["\($0.event)", $0.time.text, $0.actor ?? "", $0.what] }, none: "None.",
      to: &html)
  }

  private func addList(_ entries: [(String, String)], to html: inout HTMLWriter) {
    html.element("dl") { html in
      for (name, value) in entries {
        html.element("dt", text: name)
        html.element("dd", text: value)
      }
    }
  }

  /// A table of at most ``rowLimit`` rows; none where there is nothing to tell.
  private func addTable(
    _ title: String, _ head: [String], _ rows: [[String]], none: String,
    to html: inout HTMLWriter
  ) {
    html.element("h3", text: title)
    if rows.isEmpty {
      html.element("p", text: none)
      return
    }
    let more = rows.count - Self.rowLimit
    html.table(
      head, Array(rows.prefix(Self.rowLimit)),
      caption: more > 0
        ? "The first \(Self.rowLimit) of \(rows.count); 'ledger-audit export --format csv' has all"
        : "\(rows.count) rows")
  }

  // MARK: - One dispatch

  private func addDispatch(_ account: DispatchAccount, to html: inout HTMLWriter) {
    guard let story = stories[account.id] else { return }
    html.element("section", ["class": "dispatch"]) { html in
      html.element("h2", text: "Dispatch \(account.id.text)")
      html.element("p") { html in
        html.element(
          "span", ["class": "kind"],
          text: account.isTest ? "TEST: a drill" : "REAL")
      }
      addList(
        [
          ("Program", account.programID.text), ("Start", local(account.start)),
          ("End", account.end.map(local) ?? "until further notice"),
          ("Modifications", "\(account.modifications.count)"),
        ], to: &html)
      addTable(
        "What happened, and when", ["event", "time", "type", "by", "what"],
        story.milestones.map {
          ["\($0.event)", $0.time.text, $0.type.rawValue, $0.actor ?? "", $0.what]
        }, none: "Nothing.", to: &html)
      let names = account.modifications.map { modification in
        ("\(modification.number) \(modification.kind.rawValue)", [modification])
      }
      verdictChart("Told in time, by modification", names).add(to: &html)
      addUntold(account, story, to: &html)
      addTold(account, to: &html)
      timeChart(account.modifications.flatMap(\.told)).add(to: &html)
      let attempts = attempts[account.id] ?? []
      channelChart(attempts).add(to: &html)
      evidenceChart(account).add(to: &html)
    }
  }

  private func addUntold(
    _ account: DispatchAccount, _ story: DispatchStory, to html: inout HTMLWriter
  ) {
    var rows: [[String]] = []
    for modification in account.modifications {
      for told in modification.told where told.proof == nil {
        rows.append([
          "\(modification.number)", told.userID.text,
          told.isEscalated ? "by escalation" : "recipient",
          told.verdict?.rawValue ?? "no deadline",
          told.state.rawValue + (told.reason.map { ": \($0.rawValue)" } ?? ""),
        ])
      }
      for exclusion in story.exclusions where exclusion.modification == modification.number {
        rows.append([
          "\(modification.number)", exclusion.userID.text, "left out", "",
          exclusion.reason.rawValue + (exclusion.detail.map { ": \($0)" } ?? ""),
        ])
      }
    }
    addTable(
      "Who wasn't told, and why", ["modification", "user", "as", "verdict", "why"], rows,
      none: "Everybody who was considered was told.", to: &html)
  }

  private func addTold(_ account: DispatchAccount, to html: inout HTMLWriter) {
    var rows: [[String]] = []
    for modification in account.modifications {
      for told in modification.told {
        guard let proof = told.proof else { continue }
        rows.append([
          "\(modification.number)", told.userID.text, proof.at.text,
          modification.deadline?.text ?? "none",
          told.isEscalated ? "by escalation" : told.verdict?.rawValue ?? "no deadline",
          told.minutes.map { "\($0) min \(told.verdict == .late ? "late" : "before")" } ?? "",
          "\(proof.evidence.rawValue) \(proof.evidence.words), event \(proof.event)",
        ])
      }
    }
    addTable(
      "Who was told, and when",
      ["modification", "user", "told at", "deadline", "verdict", "margin", "proof"], rows,
      none: "Nobody, as far as is proven.", to: &html)
  }

  /// `2019-08-27T21:04…Z (21:04 as typed, America/New_York)`.
  private func local(_ moment: ZonedMoment) -> String {
    "\(moment.instant.text) (typed: \(moment.text), \(moment.zone.text))"
  }

  // MARK: - Charts

  private func verdictChart(
    _ title: String, _ bars: [(name: String, modifications: [ModificationAccount])]
  ) -> ReportChart {
    var rest = bars[...]
    if bars.count > 40 { rest = rest.prefix(40) }
    return ReportChart(
      title: bars.count > rest.count ? "\(title), the first \(rest.count)" : title,
      subject: "of", parts: Verdict.allCases.map(\.rawValue),
      bars: rest.map { name, modifications in
        let told = modifications.flatMap(\.told)
        return ReportChart.Bar(
          name: name,
          counts: Verdict.allCases.map { verdict in told.count { $0.verdict == verdict } })
      })
  }

  private func timeChart(_ told: [Told]) -> ReportChart {
    let classes: [(name: String, holds: (Told) -> Bool)] = [
      ("over a day before", { $0.verdict == .onTime && ($0.minutes ?? 0) >= 1_440 }),
      ("2 h to a day before", { $0.verdict == .onTime && (120..<1_440) ~= ($0.minutes ?? 0) }),
      ("30 min to 2 h before", { $0.verdict == .onTime && (30..<120) ~= ($0.minutes ?? 0) }),
      ("under 30 min before", { $0.verdict == .onTime && (0..<30) ~= ($0.minutes ?? 0) }),
      ("up to 30 min late", { $0.verdict == .late && ($0.minutes ?? 0) <= 30 }),
      ("over 30 min late", { $0.verdict == .late && ($0.minutes ?? 0) > 30 }),
      ("not proven", { $0.verdict != nil && $0.proof == nil }),
    ]
    return ReportChart(
      title: "Time to notice, against the deadline", subject: "told", parts: ["recipients"],
      bars: classes.map { name, holds in
        ReportChart.Bar(name: name, counts: [told.count(where: holds)])
      })
  }

  private func channelChart(_ attempts: [Attempt]) -> ReportChart {
    let outcomes: [(name: String, holds: (Attempt) -> Bool)] = [
      ("told", { $0.standing.fate.isTold }),
      (
        "failed",
        { if case .reported = $0.standing.fate { !$0.standing.fate.isTold } else { false } }
      ),
      ("unknown", { $0.standing.fate == .unknown }), ("open", { $0.standing.fate == .open }),
      ("settled", { if case .settled = $0.standing.fate { true } else { false } }),
    ]
    let channels = Set(attempts.map(\.channel)).sorted()
    return ReportChart(
      title: "Attempts by channel, and what came of them", subject: "channel",
      parts: outcomes.map(\.name),
      bars: channels.map { channel in
        let ours = attempts.filter { $0.channel == channel }
        return ReportChart.Bar(
          name: channel.text, counts: outcomes.map { outcome in ours.count(where: outcome.holds) })
      })
  }

  private func evidenceChart(_ account: DispatchAccount) -> ReportChart {
    let told = account.modifications.flatMap(\.told)
    return ReportChart(
      title: "How strong the proofs are", subject: "evidence", parts: ["recipients"],
      bars: EvidenceStrength.allCases.reversed().map { evidence in
        ReportChart.Bar(
          name: "\(evidence.rawValue) \(evidence.words)",
          counts: [told.count { ($0.proof?.evidence ?? .none) == evidence }])
      })
  }

  // MARK: - Findings and evidence

  private func addFindings(to html: inout HTMLWriter) {
    html.element("h2", text: "Findings")
    html.element(
      "p",
      text: "Every decision was made again from the events before it. \(recheck.rechecked) of "
        + "\(recheck.examined) events are just as the rules make them.")
    addTable(
      "What differs", ["event", "kind", "dispatch", "finding"],
      recheck.findings.map {
        ["\($0.event)", $0.kind.rawValue, $0.dispatch?.text ?? "", $0.message]
      }, none: "Nothing.", to: &html)
    addTable(
      "Taken as it stands", ["what", "why"], recheck.omissions.map { [$0.what, $0.why] },
      none: "Nothing.", to: &html)
  }

  private func addEvidence(to html: inout HTMLWriter) {
    html.element("h2", text: "The checkpoint, and how to check this report")
    if let signature {
      html.element(
        "p",
        text: "The ledger's newest checkpoint covers its first \(signature.size) events"
          + (signature.size < recheck.size
            ? "; the last \(recheck.size - signature.size) that this report is of aren't signed."
            : "."))
      html.element("pre", text: signature.note)
    } else {
      html.element("p", ["class": "bad"], text: "No checkpoint is kept: nothing is signed.")
    }
    html.element(
      "p",
      text:
        "With the ledger at hand, and its key from elsewhere, these commands show that the history "
        + "is whole, that it is the one that was signed, and that this report follows from it:")
    let replays = stories.keys.sorted().prefix(5).map { "ledger-audit replay \($0.text)\n" }
    html.element(
      "pre",
      text: "ledger-audit verify --vkey KEY\nledger-audit recheck\n\(replays.joined())"
        + "python3 tools/verify-ledger.py LEDGER\n")
  }
}

extension EvidenceStrength {
  /// What it says of a notice.
  fileprivate var words: String {
    switch self {
    case .none: "none"
    case .acceptedByProvider: "accepted by the provider"
    case .handedOver: "handed over"
    case .confirmedByCarrier: "confirmed by the carrier"
    case .acknowledged: "acknowledged"
    case .answered: "answered in or out"
    }
  }
}
