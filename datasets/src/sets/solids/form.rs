//! The forms that make up the classes.

/// A point x, y, z; z points upwards.
pub(super) type Place = [f32; 3];

/// A form around 0 that reaches to about 1 in every horizontal direction, and up and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Ball,
    Box,
    /// Upright.
    Cylinder,
    /// On its base.
    Cone,
    /// Lying.
    Torus,
    /// An upright cylinder with a round hole from end to end.
    Tube,
    /// A ball with a round hole inside.
    Shell,
    /// Two crossed bars, lying.
    Cross,
    /// Three steps.
    Stairs,
    /// A box with a tunnel through its foot.
    Arch,
}

/// The form of each class.
pub(super) const FORMS: [Form; 10] = [
    Form::Ball,
    Form::Box,
    Form::Cylinder,
    Form::Cone,
    Form::Torus,
    Form::Tube,
    Form::Shell,
    Form::Cross,
    Form::Stairs,
    Form::Arch,
];

impl Form {
    /// Whether a point lies in the form.
    pub(super) fn holds(self, [x, y, z]: Place) -> bool {
        let (across, along, up) = (x.abs(), y.abs(), z.abs());
        let square = x * x + y * y;
        let from_axis = square.sqrt();
        match self {
            Form::Ball => square + z * z <= 1.0,
            Form::Box => across <= 0.75 && along <= 0.75 && up <= 0.8,
            Form::Cylinder => from_axis <= 0.85 && up <= 0.85,
            Form::Cone => from_axis <= 0.5 * (1.0 - z) && up <= 1.0,
            Form::Torus => (from_axis - 0.65) * (from_axis - 0.65) + z * z * 0.5 <= 0.1,
            Form::Tube => (0.5..=0.9).contains(&from_axis) && up <= 0.85,
            Form::Shell => (0.4..=1.0).contains(&(square + z * z)),
            Form::Cross => across.min(along) <= 0.25 && across.max(along) <= 0.95 && up <= 0.7,
            Form::Stairs => {
                let step = if x < -0.25 {
                    -0.3
                } else if x < 0.25 {
                    0.3
                } else {
                    0.9
                };
                across <= 0.75 && along <= 0.75 && (-0.9..=step).contains(&z)
            }
            Form::Arch => across <= 0.8 && along <= 0.6 && up <= 0.85 && (across > 0.4 || z > 0.2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Volume of a form within the cube from -1 to 1, from a grid of 40 cubed points.
    fn volume(form: Form) -> f32 {
        let place = |i: usize| (i as f32 + 0.5) / 20.0 - 1.0;
        let held = (0..64_000).filter(|&i| form.holds([i % 40, i / 40 % 40, i / 1600].map(place)));
        held.count() as f32 / 8_000.0
    }

    #[test]
    fn forms_have_the_volumes_of_geometry() {
        use std::f32::consts::PI;
        for (form, expected) in [
            (Form::Ball, 4.0 / 3.0 * PI),
            (Form::Box, 1.5 * 1.5 * 1.6),
            (Form::Cylinder, 0.85 * 0.85 * PI * 1.7),
            (Form::Cone, PI * 2.0 / 3.0),
            (Form::Torus, 2.0 * PI * 0.65 * PI * 0.1 * 2.0_f32.sqrt()),
            (Form::Tube, (0.81 - 0.25) * PI * 1.7),
            (Form::Shell, 4.0 / 3.0 * PI * (1.0 - 0.4_f32.powf(1.5))),
            (Form::Cross, (2.0 * 1.9 * 0.5 - 0.25) * 1.4),
            (Form::Stairs, 1.5 * (0.5 * 0.6 + 0.5 * 1.2 + 0.5 * 1.8)),
            (Form::Arch, 1.6 * 1.2 * 1.7 - 0.8 * 1.2 * 1.05),
        ] {
            let found = volume(form);
            assert!((found / expected - 1.0).abs() < 0.06, "{form:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn forms_stay_within_the_cube() {
        for form in FORMS {
            for outside in [1.001, -1.001] {
                for axis in 0..3 {
                    for i in 0..400 {
                        let mut place = [(i % 20) as f32 / 10.0 - 1.0, (i / 20) as f32 / 10.0 - 1.0, 0.0];
                        place[2] = place[axis];
                        place[axis] = outside;
                        assert!(!form.holds(place), "{form:?}: {place:?}");
                    }
                }
            }
        }
    }
}
