//! Reader of triangle meshes in the Object File Format (`.off`).
//!
//! The first line is `OFF`, the next has the numbers of vertices, faces and edges. In many files of ModelNet the two
//! run together, as in `OFF490 518 0`. Then comes a line for each vertex, `x y z`, and a line for each face. A face
//! line has the number of its corners, their vertices from 0, and perhaps a colour. A comment goes from `#` to the end
//! of the line.

use std::path::Path;

use crate::Error;

/// A surface of triangles.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mesh {
    /// Coordinates x, y, z of the corners.
    pub(crate) vertices: Vec<[f64; 3]>,
    /// Indices of three vertices for each triangle; at least one triangle.
    pub(crate) triangles: Vec<[usize; 3]>,
}

/// Reads a mesh. Faces with more than three corners are cut into triangles that share their first corner.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Mesh, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let place = format!("byte {}", error.valid_up_to());
        Error::format(path, place, "bytes that are not text", "text")
    })?;
    let mut lines = Lines { path, text, number: 0 };
    let header = lines.next("OFF")?;
    let Some(counts) = header.strip_prefix("OFF") else {
        return Err(lines.fault(header, "OFF"));
    };
    let line = match counts.trim() {
        "" => lines.next("numbers of vertices, faces and edges")?,
        counts => counts,
    };
    let counts: Option<Vec<usize>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
    let Some(&[n_vertices, n_faces, _edges]) = counts.as_deref() else {
        return Err(lines.fault(line, "numbers of vertices, faces and edges"));
    };
    let all = format!("{n_vertices} vertices and {n_faces} faces");

    // Memory grows with the lines that arrive, so that a header alone cannot claim it.
    let mut vertices = Vec::new();
    for _ in 0..n_vertices {
        let line = lines.next(&all)?;
        let place: Option<Vec<f64>> = line.split_whitespace().map(|word| word.parse().ok()).collect();
        match place.as_deref() {
            Some(&[x, y, z]) if [x, y, z].iter().all(|value| value.is_finite()) => vertices.push([x, y, z]),
            _ => return Err(lines.fault(line, "three finite numbers, a vertex")),
        }
    }
    let mut triangles = Vec::new();
    for _ in 0..n_faces {
        let line = lines.next(&all)?;
        let mut words = line.split_whitespace();
        let corners: usize = match words.next().and_then(|word| word.parse().ok()) {
            Some(corners) if corners >= 3 => corners,
            _ => return Err(lines.fault(line, "a face of three corners or more")),
        };
        let mut corner = || {
            let vertex = words.next().and_then(|word| word.parse().ok());
            let expected = || format!("{corners} vertices from 0 to {}", n_vertices.saturating_sub(1));
            vertex.filter(|&vertex| vertex < n_vertices).ok_or_else(|| lines.fault(line, &expected()))
        };
        let (first, mut second) = (corner()?, corner()?);
        for _ in 2..corners {
            let third = corner()?;
            triangles.push([first, second, third]);
            second = third;
        }
    }
    if let Some(line) = lines.next_if_there() {
        return Err(lines.fault(line, &format!("nothing after {n_faces} faces")));
    }
    if triangles.is_empty() {
        return Err(Error::format(path, "the whole file", "no face", "at least one"));
    }
    Ok(Mesh { vertices, triangles })
}

/// The lines that hold more than white space and comments.
struct Lines<'a> {
    path: &'a Path,
    /// The text that is not read yet.
    text: &'a str,
    /// Number of the line read last, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    /// The next line without comment and white space around it.
    fn next(&mut self, expected: &str) -> Result<&'a str, Error> {
        match self.next_if_there() {
            Some(line) => Ok(line),
            None => Err(Error::format(self.path, format!("line {}", self.number), "the end of the file", expected)),
        }
    }

    fn next_if_there(&mut self) -> Option<&'a str> {
        while !self.text.is_empty() {
            let (line, rest) = self.text.split_once('\n').unwrap_or((self.text, ""));
            self.text = rest;
            self.number += 1;
            let line = line.split_once('#').map_or(line, |(line, _)| line).trim();
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }

    fn fault(&self, found: &str, expected: &str) -> Error {
        let start: String = found.chars().take(60).collect();
        Error::format(self.path, format!("line {}", self.number), format!("{start:?}"), expected)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TETRAHEDRON: &str = "OFF\n4 4 6\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n";

    fn parse(text: &str) -> Result<Mesh, Error> {
        read(Path::new("a.off"), text.as_bytes())
    }

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn both_spellings_of_the_header_comments_and_line_ends_mean_the_same() {
        let mesh = parse(TETRAHEDRON).unwrap();
        assert_eq!(mesh.vertices, [[0.0; 3], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!(mesh.triangles, [[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]]);
        for text in [
            TETRAHEDRON.replace("OFF\n", "OFF"),
            TETRAHEDRON.replace("OFF\n", "OFF "),
            TETRAHEDRON.replace('\n', "\r\n"),
            TETRAHEDRON.replace('\n', " # a comment\n\n  "),
            TETRAHEDRON.replace("3 0 3 2\n", "3 0 3 2 255 0 0"),
            format!("# before\n{TETRAHEDRON}# behind"),
        ] {
            assert_eq!(parse(&text).unwrap(), mesh, "{text}");
        }
    }

    #[test]
    fn faces_of_many_corners_become_fans() {
        let mesh = parse("OFF5 1 0\n0 0 0\n2 0 0\n3 1e0 0\n1 3 0\n-.5 1 0\n5 4 0 1 2 3").unwrap();
        assert_eq!(mesh.triangles, [[4, 0, 1], [4, 1, 2], [4, 2, 3]]);
        assert_eq!(mesh.vertices[4], [-0.5, 1.0, 0.0]);
    }

    #[test]
    fn damaged_files_are_named_with_the_line() {
        let check = |old: &str, new: &str, expected: &str| {
            let message = error(&TETRAHEDRON.replacen(old, new, 1));
            assert!(message.starts_with("a.off: "), "{message}");
            assert!(message.contains(expected), "{expected} in {message}");
        };
        check("OFF", "COFF", "line 1: found \"COFF\", expected OFF");
        check("4 4 6", "4 4", "line 2: found \"4 4\", expected numbers of vertices");
        check("4 4 6", "4 -4 6", "line 2: found \"4 -4 6\"");
        check("1 0 0", "1 0", "line 4: found \"1 0\", expected three finite numbers");
        check("1 0 0", "1 0 0 0", "line 4: found \"1 0 0 0\"");
        check("1 0 0", "1 nan 0", "line 4: found \"1 nan 0\"");
        check("1 0 0", "1 1e999 0", "line 4");
        check("3 0 1 3", "2 0 1", "line 8: found \"2 0 1\", expected a face of three corners");
        check("3 0 1 3", "3 0 1", "line 8: found \"3 0 1\", expected 3 vertices from 0 to 3");
        check("3 0 1 3", "3 0 1 4", "line 8: found \"3 0 1 4\", expected 3 vertices from 0 to 3");
        check("3 0 1 3", "4000000000 0 1 3", "line 8: found");
        check("4 4 6", "4 3 6", "line 10: found \"3 0 3 2\", expected nothing after 3 faces");
        check("4 4 6", "4 5 6", "line 10: found the end of the file, expected 4 vertices and 5 faces");
        let claimed = "18446744073709551615 18446744073709551615 0";
        check("4 4 6", claimed, "line 7: found \"3 0 2 1\", expected three finite numbers");
        assert!(error("OFF\n1 0 0\n0 0 0\n").contains("found no face, expected at least one"));
        assert!(error("").contains("line 0: found the end of the file, expected OFF"));
        let not_text = read(Path::new("a.off"), b"OFF\n\xff").unwrap_err().to_string();
        assert!(not_text.contains("byte 4: found bytes that are not text"), "{not_text}");
    }

    proptest! {
        #[test]
        fn damaged_text_gives_a_sound_mesh_or_an_error(
            changes in proptest::collection::vec((0..TETRAHEDRON.len(), "[ -~\\n]"), 1..4),
        ) {
            let mut text = TETRAHEDRON.to_string();
            for (at, character) in changes {
                text.replace_range(at..=at, &character);
            }
            if let Ok(mesh) = parse(&text) {
                prop_assert!(mesh.triangles.iter().flatten().all(|&vertex| vertex < mesh.vertices.len()));
            }
        }
    }
}
