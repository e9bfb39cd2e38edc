//! Findings on a screen: the worst first, alike ones of several nodes together.

use crate::model::checklist::{Finding, Status};
use crate::report::{Block, Cell, Report, Table, Verdict};

/// Nodes named of a finding that many have.
const NODES_SHOWN: usize = 3;
const JUDGED: [Status; 4] = [Status::Critical, Status::Warning, Status::Unchecked, Status::Note];

pub(super) fn fill(report: &mut Report, findings: &[Finding], fails_on_warning: bool) {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let mut summary = Vec::new();
    for status in JUDGED.into_iter().chain([Status::ByHand, Status::Fine]) {
        report.figure(&status.name().replace(' ', "_"), count(status));
        summary.push(format!("{} {}", count(status), status.name()));
    }
    report.line(format!("checked    {}", summary.join(", ")));
    let mut table =
        Table::new("findings", ["severity", "check", "node", "what", "evidence", "fix"]);
    for finding in findings {
        table.row([
            Cell::text(finding.status.name()),
            Cell::text(finding.id),
            Cell::text(finding.node.as_str()),
            Cell::text(finding.what.as_str()),
            Cell::text(finding.evidence.as_str()),
            Cell::text(finding.fix.as_str()),
        ]);
    }
    table.prose = Some(prose(findings));
    report.block(Block::Table(table));
    let fails = [Status::Warning, Status::Unchecked].map(count).iter().sum::<usize>() > 0;
    if count(Status::Critical) > 0 || (fails_on_warning && fails) {
        report.verdict = Verdict::Violated;
    }
    let worst = findings.first().filter(|finding| JUDGED.contains(&finding.status));
    report.binding = worst.map(|finding| finding.id.to_owned());
}

fn prose(findings: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let judged = findings.iter().filter(|finding| JUDGED.contains(&finding.status));
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in judged {
        let is_alike =
            |group: &&mut Vec<&Finding>| group[0].id == finding.id && group[0].what == finding.what;
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    for group in groups {
        let first = group[0];
        lines.push(format!("{:<10} {}: {}", first.status.name(), first.id, first.what));
        let nodes: Vec<&str> = group.iter().map(|finding| finding.node.as_str()).collect();
        let mut place = nodes.iter().take(NODES_SHOWN).copied().collect::<Vec<_>>().join(", ");
        if nodes.len() > NODES_SHOWN {
            place += &format!(" and {} more", nodes.len() - NODES_SHOWN);
        }
        for (name, text) in [("at", &place), ("evidence", &first.evidence), ("fix", &first.fix)] {
            if !text.is_empty() {
                lines.push(format!("{:<10} {name:<9} {text}", ""));
            }
        }
    }
    for finding in findings.iter().filter(|finding| finding.status == Status::ByHand) {
        lines.push(format!("{:<10} {}: {}", finding.status.name(), finding.what, finding.fix));
    }
    let fine = findings.iter().filter(|finding| finding.status == Status::Fine);
    for finding in fine {
        let evidence = match finding.evidence.is_empty() {
            true => String::new(),
            false => format!(" ({})", finding.evidence),
        };
        lines.push(format!("{:<10} {}{evidence}", finding.status.name(), finding.what));
    }
    lines
}
