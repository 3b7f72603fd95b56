//! Tests of verdicts, and of the form of claims in definitions.

use super::*;

#[test]
fn a_verdict_needs_the_whole_interval() {
    let claim = Claim { statistic: Statistic::Kendall, greater_than: 0.0, between: None, of: None };
    let check = |low, high, expected| {
        let interval = Interval { estimate: (low + high) / 2.0, low, high, undefined: 0 };
        assert_eq!(claim.judge(Some(interval), None), expected, "[{low}, {high}]");
    };
    check(0.1, 0.5, Verdict::Held);
    check(-0.5, -0.1, Verdict::NotHeld);
    check(-0.1, 0.9, Verdict::Undecided);
    check(0.0, 0.9, Verdict::Undecided);
    check(-0.9, 0.0, Verdict::Undecided);
    assert_eq!(claim.judge(None, None), Verdict::Undecided);
    let degenerate = Interval { estimate: -1.0, low: -1.0, high: -1.0, undefined: 1 };
    assert_eq!(claim.judge(Some(degenerate), None), Verdict::Undecided);
}

#[test]
fn a_claim_above_the_noise_ceiling_is_not_refuted() {
    let claim = |greater_than| Claim { statistic: Statistic::Kendall, greater_than, between: None, of: None };
    let interval = |low, high| Interval { estimate: (low + high) / 2.0, low, high, undefined: 0 };
    let (found, ceiling) = (interval(0.1, 0.4), interval(0.6, 0.7));
    assert_eq!(claim(0.5).judge(Some(found), Some(ceiling)), Verdict::NotHeld);
    assert_eq!(claim(0.65).judge(Some(found), Some(ceiling)), Verdict::Undecided);
    assert_eq!(claim(0.65).judge(Some(found), None), Verdict::NotHeld);
    assert_eq!(claim(0.0).judge(Some(found), Some(ceiling)), Verdict::Held);
}

#[test]
fn a_claim_is_parsed_strictly() {
    let parse = toml::from_str::<Claim>;
    let claim = parse("statistic = \"kendall\"\ngreater_than = 0.25").unwrap();
    assert_eq!(claim.to_string(), "Kendall τ > 0.25");
    let systems = parse("statistic = \"error-difference\"\ngreater_than = 0.0\nbetween = [\"A\", \"B\"]").unwrap();
    assert_eq!(systems.to_string(), "error of B - error of A > 0");
    let written = toml::to_string(&systems).unwrap();
    assert_eq!(parse(&written).unwrap(), systems);
    let predictors = parse("statistic = \"tau-difference\"\ngreater_than = 0.0\nbetween = [\"A\", \"B\"]").unwrap();
    assert_eq!(predictors.to_string(), "τ of A - τ of B > 0");
    let costs = parse("statistic = \"cost-reduction\"\ngreater_than = 9.5\nbetween = [\"A\", \"B\"]").unwrap();
    assert_eq!(costs.to_string(), "orders of magnitude from A to B > 9.5");
    let space = parse("statistic = \"spare-banks\"\ngreater_than = 0.5\nof = \"A\"").unwrap();
    assert_eq!(space.to_string(), "A: mean share of the stated banks left unused > 0.5");
    let written = toml::to_string(&space).unwrap();
    assert_eq!(parse(&written).unwrap(), space);
    for faulty in [
        "statistic = \"tau-difference\"\ngreater_than = 0.0",
        "statistic = \"divergence-difference\"\ngreater_than = 0.0",
        "statistic = \"stable-share\"\ngreater_than = 0.0\nbetween = [\"A\", \"B\"]",
        "statistic = \"tau\"\ngreater_than = 0.0",
        "statistic = \"kendall\"",
        "statistic = \"kendall\"\ngreater_than = 0.0\nless_than = 1.0",
        "statistic = \"kendall\"\ngreater_than = 0.0\nbetween = [\"A\", \"B\"]",
        "statistic = \"error-difference\"\ngreater_than = 0.0",
        "statistic = \"error-difference\"\ngreater_than = 0.0\nbetween = [\"A\"]",
        "statistic = \"cost-reduction\"\ngreater_than = 0.0",
        "statistic = \"spare-banks\"\ngreater_than = 0.0",
        "statistic = \"kendall\"\ngreater_than = 0.0\nof = \"A\"",
    ] {
        assert!(parse(faulty).is_err(), "{faulty}");
    }
    for faulty in [
        "statistic = \"spare-banks\"",
        "statistic = \"kendall\"\nof = \"A\"",
        "statistic = \"kendall\"\nbetween = [\"A\", \"B\"]",
    ] {
        let text = format!("greater_than = 0.5\n{faulty}");
        let error = toml::from_str::<Claim>(&text).unwrap_err().to_string();
        let name = faulty.split('"').nth(1).unwrap();
        assert!(error.contains(&format!("statistic `{name}` ")), "{error}");
    }
}

#[test]
fn the_list_of_statistics_has_every_name_that_a_definition_may_use() {
    let error = toml::from_str::<Claim>("statistic = 'tau'\ngreater_than = 0.0").unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of ").unwrap();
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let listed = Statistic::ALL.map(|statistic| toml::Value::try_from(statistic).unwrap());
    assert_eq!(listed.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), known);
}

#[test]
fn one_claim_is_a_table_and_several_are_a_list() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Definition {
        #[serde(default, skip_serializing_if = "Claims::is_empty")]
        claim: Claims,
    }
    let parse = |text: &str| toml::from_str::<Definition>(text);
    let one = "[claim]\nstatistic = \"kendall\"\ngreater_than = 0.5\n";
    let two = "[[claim]]\nstatistic = \"level-drop\"\ngreater_than = 0.5\n\n\
        [[claim]]\nstatistic = \"top-models-rise\"\ngreater_than = 0.0\n";
    for (text, form, expected) in [
        ("", None, vec![]),
        (one, Some("table"), vec!["Kendall τ > 0.5"]),
        (two, Some("array"), vec!["drop of the mean score > 0.5", "rise of the best tenth's true error > 0"]),
    ] {
        let definition = parse(text).unwrap();
        let claims: Vec<String> = definition.claim.0.iter().map(Claim::to_string).collect();
        assert_eq!(claims, expected);
        let written = toml::Table::try_from(&definition).unwrap();
        assert_eq!(written.get("claim").map(toml::Value::type_str), form);
        assert_eq!(parse(&toml::to_string(&written).unwrap()).unwrap(), definition);
    }
    for (faulty, expected) in [
        ("claim = 0.5", "a claim or a list of claims"),
        ("[[claim]]\nstatistic = \"kendall\"", "greater_than"),
        ("[claim]\nstatistic = \"tau\"\ngreater_than = 0.0", "tau"),
    ] {
        let error = parse(faulty).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
