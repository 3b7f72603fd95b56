//! Volumes of voxels from meshes: which cells of a cube a surface touches.
//!
//! A volume is `[z, y, x]`, z upwards, of 0 (empty) and 255 (full). Only exactly rounded arithmetic (`+ - * /` and square
//! roots) is used, so a mesh gives the same volume on every machine.

use crate::formats::off::Mesh;

pub(crate) const EMPTY: u8 = 0;
pub(crate) const FULL: u8 = 255;

/// Free margin on each side of an object, as a share of the edge of the cube.
const MARGIN: f64 = 1.0 / 16.0;

/// The cells of a cube of `edge` cells that the surface of a mesh touches. `None` if all corners lie at one place. Also
/// `None` if they are too near or too far apart to compute their distances.
///
/// The middle of the mesh's bounds lies in the middle of the cube. The scale is the largest at which the mesh stays
/// within the margin however it is turned about the vertical axis. So the size of an object does not depend on its
/// orientation.
pub(crate) fn surface(mesh: &Mesh, edge: usize) -> Option<Vec<u8>> {
    let corners = || mesh.triangles.iter().flatten().map(|&vertex| mesh.vertices[vertex]);
    let middle: [f64; 3] = std::array::from_fn(|axis| {
        let ends = corners().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), corner| {
            (least.min(corner[axis]), most.max(corner[axis]))
        });
        // Halved first, because the sum of large numbers may not be finite.
        ends.0 / 2.0 + ends.1 / 2.0
    });
    let reach = corners().fold(0.0_f64, |reach, corner| {
        let [x, y, z] = std::array::from_fn(|axis| corner[axis] - middle[axis]);
        reach.max((x * x + y * y).sqrt()).max(z.abs())
    });
    if !(1e-100..1e100).contains(&reach) {
        return None;
    }
    let half = edge as f64 / 2.0;
    let scale = half * (1.0 - 2.0 * MARGIN) / reach;
    let place = |vertex: &[f64; 3]| std::array::from_fn(|axis| half + (vertex[axis] - middle[axis]) * scale);
    let placed: Vec<[f64; 3]> = mesh.vertices.iter().map(place).collect();
    let mut volume = vec![EMPTY; edge * edge * edge];
    for triangle in &mesh.triangles {
        mark(triangle.map(|vertex| placed[vertex]), edge, &mut volume);
    }
    Some(volume)
}

/// Fills the cells that a triangle touches.
///
/// A triangle and a cell are disjoint if and only if one of some directions separates them. These are the axes of the
/// cube, the triangle's normal, and the cross product of each side with each axis. The test is from Akenine-Moller,
/// "Fast 3D Triangle-Box Overlap Testing", 2001. The loop bounds take care of the axes of the cube.
fn mark(triangle: [[f64; 3]; 3], edge: usize, volume: &mut [u8]) {
    let ends = |values: [f64; 3]| {
        let [a, b, c] = values;
        (a.min(b).min(c), a.max(b).max(c))
    };
    let cell = |value: f64| (value.max(0.0) as usize).min(edge - 1);
    let [xs, ys, zs] = [0, 1, 2].map(|axis| {
        let (least, most) = ends(triangle.map(|corner| corner[axis]));
        cell(least)..=cell(most)
    });
    if [&xs, &ys, &zs].iter().all(|cells| cells.start() == cells.end()) {
        volume[(zs.start() * edge + ys.start()) * edge + xs.start()] = FULL;
        return;
    }
    let [a, b, c] = triangle;
    let sides = [minus(b, a), minus(c, b), minus(a, c)];
    let directions: [[f64; 3]; 10] = std::array::from_fn(|i| match i {
        9 => cross(sides[0], sides[1]),
        _ => {
            let [x, y, z] = sides[i / 3];
            [[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]][i % 3]
        }
    });
    // For each direction, the range in which the middle of a cell that touches the triangle lies.
    let slabs = directions.map(|direction| {
        let (least, most) = ends(triangle.map(|corner| dot(direction, corner)));
        // The factor makes up for rounding: a surface has no gaps.
        let reach = 0.5 * (1.0 + 1e-9) * direction.iter().map(|value| value.abs()).sum::<f64>();
        (direction, least - reach, most + reach)
    });
    for z in zs {
        for y in ys.clone() {
            for x in xs.clone() {
                let middle = [x, y, z].map(|cell| cell as f64 + 0.5);
                let touches = |&(direction, least, most): &([f64; 3], f64, f64)| {
                    let along = dot(direction, middle);
                    least <= along && along <= most
                };
                if slabs.iter().all(touches) {
                    volume[(z * edge + y) * edge + x] = FULL;
                }
            }
        }
    }
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A box around 0 with these half edges.
    fn box_mesh(half: [f64; 3]) -> Mesh {
        let vertices = (0..8)
            .map(|corner| std::array::from_fn(|axis| if corner >> axis & 1 == 1 { half[axis] } else { -half[axis] }))
            .collect();
        let squares = [[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]];
        let triangles = squares.iter().flat_map(|&[a, b, c, d]| [[a, b, c], [a, c, d]]).collect();
        Mesh { vertices, triangles }
    }

    #[test]
    fn a_box_is_a_shell() {
        // Reach 10, scale 1.4. The faces are at 16 +- 8.4, 16 +- 11.2 and 16 +- 12.6, so the cells are 7 to 24, 4 to 27
        // and 3 to 28.
        let mesh = box_mesh([6.0, 8.0, 9.0]);
        let volume = surface(&mesh, 32).unwrap();
        let inside = |z: usize, y: usize, x: usize, rim: usize| {
            (3 + rim..=28 - rim).contains(&z) && (4 + rim..=27 - rim).contains(&y) && (7 + rim..=24 - rim).contains(&x)
        };
        for (i, &voxel) in volume.iter().enumerate() {
            let (z, y, x) = (i / 1024, i / 32 % 32, i % 32);
            let expected = inside(z, y, x, 0) && !inside(z, y, x, 1);
            assert_eq!(voxel == FULL, expected, "{z} {y} {x}");
        }
    }

    #[test]
    fn place_and_size_of_a_mesh_do_not_matter() {
        let mesh = box_mesh([1.0, 0.5, 0.25]);
        // Powers of 2, so that nothing is rounded.
        let moved =
            Mesh { vertices: mesh.vertices.iter().map(|v| v.map(|x| x * 1024.0 + 4096.0)).collect(), ..mesh.clone() };
        assert_eq!(surface(&moved, 16), surface(&mesh, 16));
    }

    #[test]
    fn an_unused_vertex_and_a_point_have_no_extent() {
        let mut mesh = box_mesh([1.0, 0.5, 0.25]);
        let whole = surface(&mesh, 16);
        mesh.vertices.push([1e6; 3]);
        assert_eq!(surface(&mesh, 16), whole);
        mesh.triangles = vec![[0, 0, 0]];
        assert_eq!(surface(&mesh, 16), None);
        mesh.triangles = vec![[0, 1, 1]];
        for ends in [[f64::MAX, f64::MIN], [0.0, 1e-200]] {
            mesh.vertices = ends.map(|end| [end; 3]).to_vec();
            assert_eq!(surface(&mesh, 16), None, "{ends:?}");
        }
    }

    fn triangle() -> impl Strategy<Value = Mesh> {
        let corner = proptest::array::uniform3(-1.0..1.0_f64);
        proptest::collection::vec(corner, 3).prop_map(|vertices| Mesh { vertices, triangles: vec![[0, 1, 2]] })
    }

    proptest! {
        #[test]
        fn touched_cells_are_the_cells_with_a_point_of_the_triangle(mesh in triangle()) {
            const EDGE: usize = 8;
            const STEPS: usize = 64;
            let Some(volume) = surface(&mesh, EDGE) else { return Ok(()) };
            // The same placement, written independently.
            let bounds: [[f64; 2]; 3] = std::array::from_fn(|axis| {
                let along = [0, 1, 2].map(|i| mesh.vertices[i][axis]);
                [along.iter().copied().fold(9.0, f64::min), along.iter().copied().fold(-9.0, f64::max)]
            });
            let centred = [0, 1, 2].map(|i| -> [f64; 3] {
                std::array::from_fn(|axis| mesh.vertices[i][axis] - (bounds[axis][0] + bounds[axis][1]) / 2.0)
            });
            let reach = centred.iter().fold(0.0, |r: f64, [x, y, z]| r.max(x.hypot(*y)).max(z.abs()));
            let placed = centred.map(|corner| corner.map(|value| 4.0 + value * 3.5 / reach));
            let mut near = vec![false; EDGE * EDGE * EDGE];
            let longest = minus(placed[0], placed[1]).iter().chain(&minus(placed[0], placed[2])).fold(0.0, |m: f64, d| m.max(d.abs()));
            let slack = 2.0 * longest / STEPS as f64 + 1e-9;
            for (i, j) in (0..=STEPS).flat_map(|i| (0..=STEPS - i).map(move |j| (i, j))) {
                let [u, v] = [i, j].map(|step| step as f64 / STEPS as f64);
                let point: [f64; 3] = std::array::from_fn(|axis| {
                    placed[0][axis] * (1.0 - u - v) + placed[1][axis] * u + placed[2][axis] * v
                });
                let index = |place: [f64; 3]| {
                    let [x, y, z] = place.map(|value| value as usize);
                    (z * EDGE + y) * EDGE + x
                };
                // Within rounding of a border, either cell may be the touched one.
                if point.iter().all(|value| (value - value.round()).abs() > 1e-6) {
                    prop_assert_eq!(volume[index(point)], FULL, "{:?}", point);
                }
                for corner in 0..8 {
                    near[index(std::array::from_fn(|axis| {
                        point[axis] + if corner >> axis & 1 == 1 { slack } else { -slack }
                    }))] = true;
                }
            }
            for (cell, &voxel) in volume.iter().enumerate() {
                prop_assert!(voxel == EMPTY || near[cell], "cell {} is far from the triangle", cell);
            }
        }
    }
}
