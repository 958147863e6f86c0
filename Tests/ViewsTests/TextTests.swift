import Testing
import Dispatching
import Views

@Suite("What is said about the views")
struct TextTests {
  @Test("An error says what happened")
  func errors() {
    let texts: [(ViewError, String)] = [
      (
        .refused(code: 11, message: "disk image is malformed", statement: "SELECT *\nFROM user"),
        "SQLite answers 11 (disk image is malformed) to SELECT * …"
      ),
      (
        .malformed(statement: "SELECT next FROM cursor", column: 0),
        "column 0 holds nothing that an event can have put there, in SELECT next FROM cursor"
      ),
      (
        .foreign(applicationID: 7),
        "another program's database stands there (application id 7)"
      ),
      (.outOfOrder(expected: 3, found: 5), "event 5 came where event 3 was expected"),
    ]
    for (error, text) in texts { #expect(error.text == text) }
  }

  @Test("A condition says why the views aren't what the log says")
  func conditions() {
    let cursor = Cursor(next: 42, root: .zero, segment: 0, offset: 0)
    let texts: [(ViewCondition, String?)] = [
      (.current, nil),
      (.absent, "there are none yet"),
      (.behind(cursor), "they end before event 42"),
      (.otherRoot(cursor), "they hold 42 events of another history"),
      (.ahead(cursor), "they hold 42 events, which is more than the log has"),
      (
        .otherVersion(view: "notices", found: 1, wanted: 2),
        "another release made them (notices: version 1, not 2)"
      ),
      (
        .otherVersion(view: "weather", found: 3, wanted: nil),
        "another release made them (weather: version 3, not none)"
      ),
      (.unreadable(.foreign(applicationID: 7)), ViewError.foreign(applicationID: 7).text),
    ]
    for (condition, text) in texts { #expect(condition.text == text) }
  }

  @Test("Each failure has the remedy that helps")
  func remedies() {
    let remedies: [(Int32, ViewError.Remedy)] = [
      (5, .wait), (6, .wait), (261, .wait), (517, .wait), (10, .mendSystem), (266, .mendSystem),
      (522, .rebuild), (13, .mendSystem), (14, .mendSystem), (8, .mendSystem), (3, .mendSystem),
      (11, .rebuild), (26, .rebuild), (1, .rebuild), (19, .rebuild), (267, .rebuild),
    ]
    for (code, remedy) in remedies {
      #expect(ViewError.refused(code: code, message: "", statement: "").remedy == remedy, "\(code)")
    }
    #expect(ViewError.malformed(statement: "", column: 0).remedy == .rebuild)
    #expect(ViewError.foreign(applicationID: 7).remedy == .rebuild)
  }
}
