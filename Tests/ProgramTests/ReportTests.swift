import Foundation
import Testing

@Suite("A report for people", .timeLimit(.minutes(30)))
struct ReportTests {
  let ledger: ProgramLedger

  init() throws {
    ledger = try ProgramLedger()
    try ledger.configure(
      #"{"channels":{"sms":{"kind":"spool","directory":"spool"},"console":{"kind":"console"}}}"#)
  }

  private func dispatch(_ members: String = "") throws -> String {
    let answer = try ledger.operate(
      ["dispatch", "-", "--json"],
      input: #"{"start_time":"2099-01-01T00:00:00Z","program_id":1,"event_type_id":"1"\#(members)}"#
    )
    let results = try #require(try object(answer.output)["results"] as? [[String: Any]])
    return try #require(results.first?["dispatch"] as? String)
  }

  private func report(_ arguments: [String]) throws -> (status: Int32, html: String) {
    let made = try Shell.run(
      "ledger-audit", ["report", "--out", "-", "-C", ledger.path] + arguments)
    return (made.status, made.output)
  }

  /// What Chromium makes of a page, without network of its own.
  private func browse(_ path: String, _ arguments: [String]) throws -> Ended {
    let profile = ledger.path + "/profile"
    defer { try? FileManager.default.removeItem(atPath: profile) }
    return try Shell.run(
      "/usr/bin/chromium",
      [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--disable-component-update", "--no-first-run",
        "--user-data-dir=\(profile)", "--window-size=800,1200",
      ] + arguments + ["file://\(path)"])
  }

  /// A port on loopback that nobody answers, to see who comes.
  private final class Listener {
    let port: Int
    private let socket: Int32

    init() throws {
      socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let socket = socket
      let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
          unsafe bind(socket, address, length) == 0 && listen(socket, 9) == 0
            && getsockname(socket, address, &length) == 0
        }
      }
      port = Int(UInt16(bigEndian: address.sin_port))
      try #require(isBound && port > 0)
    }

    deinit { close(socket) }

    /// Whether anybody has connected since this was asked.
    func hasGuest() -> Bool {
      let guest = accept(socket, nil, nil)
      if guest >= 0 { close(guest) }
      return guest >= 0
    }
  }

  @Test("tells of one dispatch who was told and who wasn't, needs no other file, and asks for none")
  func one() throws {
    let listener = try Listener()
    let image = #"<img src="http://127.0.0.1:\#(listener.port)/x"/>"#
    let id = try dispatch()
    #expect(try ledger.operate(["deliver", "-q"]).status == 0)
    #expect(try ledger.operate(["opt-out", "u-2"]).status == 0)
    let reason = "\(image)<script>alert(1)</script> & \u{202E}gnp"
    #expect(try ledger.operate(["cancel", id, "--reason", "weather"]).status == 0)
    #expect(try ledger.operate(["deliver", "-q"]).status == 0)
    #expect(try ledger.operate(["end", id, "--reason", image]).status == 1)
    #expect(try ledger.operate(["correct", "1", "--reason", reason]).status == 65)

    let (status, html) = try report([id])
    #expect(status == 0)
    for words in [
      "Dispatch \(id)", "REAL", "cancelled, weather", "Who wasn&#39;t told, and why", "opted-out",
      "accepted by the provider", "ledger-audit replay \(id)", "style-src &#39;sha256-",
    ] {
      #expect(html.contains(words), "\(words)")
    }
    #expect(!html.contains("<script") && !html.contains("src="))
    let path = ledger.path + "/report.html"
    #expect(
      try Shell.run("ledger-audit", ["report", id, "--out", path, "-C", ledger.path]).status == 0)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == html)
    #expect(
      try Shell.run("ledger-audit", ["report", id, "--out", path, "-C", ledger.path]).status == 73)

    #expect(try Shell.run("/usr/bin/xmllint", ["--noout", path]).status == 0)
    let picture = ledger.path + "/report.png"
    let seen = try browse(path, ["--dump-dom"])
    #expect(seen.status == 0 && seen.output.contains("Dispatch \(id)"), "\(seen.talk)")
    #expect(try browse(path, ["--screenshot=\(picture)"]).status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: picture)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // Its own style is let in by the policy: the body has a width of its own.
    #expect(!seen.talk.contains("Content Security Policy"), "\(seen.talk)")
    #expect(!listener.hasGuest())
    // The same eyes see a page that does ask.
    let asking = ledger.path + "/asking.html"
    try Data("<!DOCTYPE html><html><body>\(image)</body></html>".utf8)
      .write(to: URL(fileURLWithPath: asking))
    _ = try browse(asking, ["--dump-dom", "--timeout=3000"])
    #expect(listener.hasGuest())
  }

  @Test(
    "is the same twice, keeps drills apart, and takes only filters that choose whole dispatches")
  func many() throws {
    let (first, drill) = (try dispatch(), try dispatch(#","test":true"#))
    let rejected = try ledger.operate(
      ["dispatch", "-"],
      input: #"{"start_time":"2099-01-01T00:00:00Z","program_id":"nine","event_type_id":"1"}"#)
    #expect(rejected.status == 1)
    #expect(try ledger.operate(["deliver", "-q"]).status == 0)
    let (status, html) = try report([])
    #expect(status == 0)
    #expect(html.contains("Dispatches, all together") && html.contains("Drills, all together"))
    #expect(html.contains(first) && html.contains(drill))
    #expect(html.contains("request rejected: program nine"))
    #expect(try report([]).html == html)
    let real = try report(["--test", "exclude"]).html
    #expect(real.contains(first) && !real.contains(drill) && !real.contains("Drills"))
    #expect(try report(["--program", "9"]).html.contains("<dd>0</dd>"))
    #expect(try report(["--user", "u-1"]).status == 64)
    #expect(try report(["nowhere"]).status == 66)
    #expect(try report([first, "--as-of", "2"]).status == 66)
    // Unsigned, it says so; altered, it isn't made.
    try FileManager.default.removeItem(atPath: ledger.path + "/checkpoint")
    #expect(try report([first]).html.contains("nothing is signed"))
  }
}
